import { SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'
import { named } from '../../tracing/names.ts'
import { recordingSpan, startChild } from '../../tracing/span.ts'
import type { RedisTarget } from '../../config/redis-url.ts'

/** Maps the command names of `attempt` to those of Redis; unlisted names stay. */
const summaries: Readonly<Record<string, string>> = {
  get: 'GET',
  set: 'SET',
  remove: 'UNLINK',
  claim: 'EVALSHA claim',
  renew: 'EVALSHA renew',
  keep: 'EVALSHA keep',
  release: 'EVALSHA release',
}

/** Records a command as a span if the trace is recorded; without keys or values. */
export function startRedisSpan(what: string, server: Attributes): Span | undefined {
  if (!recordingSpan()) return undefined
  const summary = summaries[what] ?? what
  return startChild(summary, SpanKind.CLIENT, {
    [named.system]: 'redis',
    [named.statement]: summary.split(' ', 1)[0] as string,
    [named.summary]: summary,
    ...server,
  })
}

export function markRedisFailed(span: Span | undefined, reason: string): void {
  span?.setAttribute(named.errorType, reason).setStatus({ code: SpanStatusCode.ERROR, message: reason })
}

/** With a Cluster or Sentinels it is not known in advance which server responds. */
export function redisServerOf({ kind, hosts, db }: RedisTarget): Attributes {
  const [first] = hosts
  const server = kind === 'single' && first ? { [named.address]: first.host, [named.port]: first.port } : {}
  return { ...server, ...(kind === 'cluster' ? {} : { [named.database]: String(db) }) }
}
