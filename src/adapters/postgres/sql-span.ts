import { SpanKind, type Attributes } from '@opentelemetry/api'
import { named } from '../../tracing/names.ts'
import { inChild, recordingSpan } from '../../tracing/span.ts'
import type { Sql } from './client.ts'
import { codeOf } from './errors.ts'

/** What the driver gives with its rows. */
type Rows = readonly unknown[] & { readonly statement?: { readonly string?: string } | null }

/**
 * A statement in a span named by `summary` (`SELECT chunks`: the operation, then its tables). Its text is what was sent:
 * values are parameters, so there is nothing in it that was asked. The driver begins when it is waited for, which is here.
 */
export async function tracedSql<Result extends Rows>(
  sql: Sql,
  summary: string,
  statement: PromiseLike<Result>,
): Promise<Result> {
  if (!recordingSpan()) return await statement
  return await inChild(
    summary,
    SpanKind.CLIENT,
    () => attributesOf(sql, summary),
    async span => {
      try {
        const rows = await statement
        const text = rows.statement?.string
        span?.setAttributes({
          [named.rows]: rows.length,
          ...(text && { [named.queryText]: text.replace(/\s+/g, ' ').trim() }),
        })
        return rows
      } catch (error) {
        const code = codeOf(error)
        if (code !== undefined && /^[0-9A-Z]{5}$/.test(code)) span?.setAttribute(named.databaseStatus, code)
        throw error
      }
    },
  )
}

function attributesOf(sql: Sql, summary: string): Attributes {
  const { host, port, database } = sql.options
  // With several addresses it may be any of them.
  const server = host.length === 1 ? { [named.address]: host[0] as string, [named.port]: port[0] as number } : {}
  return {
    [named.system]: 'postgresql',
    [named.statement]: summary.split(' ', 1)[0] as string,
    [named.summary]: summary,
    [named.database]: database,
    ...server,
  }
}

/** How long the work under way waited for its connection. */
export function noteLease(label: string, waitMs: number): void {
  recordingSpan()?.addEvent('askwell.pool.lease', {
    'askwell.pool.label': label,
    'askwell.pool.wait_ms': Math.round(waitMs * 10) / 10,
  })
}
