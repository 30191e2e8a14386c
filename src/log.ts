import { pino, type Logger } from 'pino'
import type { Config } from './config.ts'

/**
 * JSON lines on stdout; the lines of a request carry its id and trace (http/ask.ts). Question texts are written only
 * when the operator asked for it; keys and passwords never are.
 */
export function createLogger({ log, ...config }: LogConfig): Logger {
  const mask = maskOf(secretsOf(config))
  return pino({
    level: log.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: ['req.headers.authorization', 'headers.authorization', ...(log.questions ? [] : ['question'])],
    serializers: { err: (error: unknown) => described(error, mask) },
  })
}

type LogConfig = Pick<Config, 'log'> & Partial<Pick<Config, 'models' | 'rerank' | 'adminApiKey' | 'database' | 'redisUrl'>>

interface Described {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: Described
}

/**
 * The few fields that help. Drivers hang much more on their errors: reply headers, queries with their values, and
 * what a server said, which for some model servers includes the key that it was sent.
 */
function described(error: unknown, mask: (text: string) => string): Described | unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? mask(error) : error
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause instanceof Error ? { cause: described(error.cause, mask) } : {}
  return { type: error.name, message: mask(error.message), ...code, stack: mask(error.stack ?? ''), ...cause }
}

function secretsOf({ models, rerank, adminApiKey, database, redisUrl }: Omit<LogConfig, 'log'>): string[] {
  const passwords = [database?.url, redisUrl].map(url => (url === undefined ? '' : decodeURIComponent(new URL(url).password)))
  return [models?.apiKey, rerank?.apiKey, adminApiKey, ...passwords].filter(secret => secret !== undefined && secret !== '') as string[]
}

function maskOf(secrets: readonly string[]): (text: string) => string {
  return text => secrets.reduce((masked, secret) => masked.replaceAll(secret, '[redacted]'), text)
}
