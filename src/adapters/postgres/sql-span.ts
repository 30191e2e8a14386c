import { SpanKind, type Attributes } from '@opentelemetry/api'
import { named } from '../../tracing/names.ts'
import { inChild, recordingSpan } from '../../tracing/span.ts'
import type { Sql } from './client.ts'
import { codeOf } from './errors.ts'

/** Rows of the driver with the statement attached. */
type Rows = readonly unknown[] & { readonly statement?: { readonly string?: string } | null }

/**
 * Runs a statement in a span named by `summary` (`SELECT chunks`: the operation, then its tables). The recorded text
 * has placeholders only, so it contains nothing of the question. The driver sends a statement when it is awaited, which
 * happens here.
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
  // With several addresses the server is not known.
  const server = host.length === 1 ? { [named.address]: host[0] as string, [named.port]: port[0] as number } : {}
  return {
    [named.system]: 'postgresql',
    [named.statement]: summary.split(' ', 1)[0] as string,
    [named.summary]: summary,
    [named.database]: database,
    ...server,
  }
}

/** Records how long the current work waited for its connection. */
export function noteLease(label: string, waitMs: number): void {
  recordingSpan()?.addEvent('askwell.pool.lease', {
    'askwell.pool.label': label,
    'askwell.pool.wait_ms': Math.round(waitMs * 10) / 10,
  })
}
