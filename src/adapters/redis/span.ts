import { SpanKind, SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api'
import { named } from '../../tracing/names.ts'
import { recordingSpan, startChild } from '../../tracing/span.ts'
import type { RedisTarget } from './url.ts'

/** What `attempt` calls its commands, in Redis' own words; others keep theirs. */
const summaries: Readonly<Record<string, string>> = {
  get: 'GET',
  set: 'SET',
  remove: 'UNLINK',
  claim: 'EVALSHA claim',
  renew: 'EVALSHA renew',
  keep: 'EVALSHA keep',
  release: 'EVALSHA release',
}

/** A command in a span, where anybody sees it; no keys, no values. */
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

/** Of a Cluster or behind Sentinels it is not known before which server answers. */
export function redisServerOf({ kind, hosts, db }: RedisTarget): Attributes {
  const [first] = hosts
  const server = kind === 'single' && first ? { [named.address]: first.host, [named.port]: first.port } : {}
  return { ...server, ...(kind === 'cluster' ? {} : { [named.database]: String(db) }) }
}
