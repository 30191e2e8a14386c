import { trace } from '@opentelemetry/api'
import { pino, type Logger } from 'pino'
import type { Config } from './config.ts'

/**
 * JSON lines on stdout, with the trace they belong to. Question texts are written only when the operator asked
 * for it; keys never are.
 */
export function createLogger({ log }: Pick<Config, 'log'>): Logger {
  return pino({
    level: log.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: ['req.headers.authorization', 'headers.authorization', ...(log.questions ? [] : ['question'])],
    mixin() {
      const span = trace.getActiveSpan()?.spanContext()
      return span ? { trace_id: span.traceId, span_id: span.spanId } : {}
    },
  })
}
