import type { Original, PreparedDocument } from '../../../ingest/terms.ts'
import type { Step } from '../../../resilience/pace.ts'
import type { Sql } from '../database.ts'

/** Bytes per statement, so that no statement occupies this process for long. */
const batchBytes = 256 * 1024

interface OriginalRow extends Original {
  readonly documentId: string
  readonly hash: Buffer
}

/** Replaces what is kept of these documents, after they were written. */
export async function writeOriginals(tx: Sql, documents: readonly PreparedDocument[], step: Step): Promise<void> {
  const kept = documents.filter(({ original }) => original === 'kept')
  const others = documents.filter(({ original }) => original !== 'kept')
  if (kept.length > 0)
    await tx`
      update originals o set hash = decode(u.hash, 'hex')
      from unnest(${kept.map(each => each.id)}::uuid[], ${kept.map(each => each.hash.toString('hex'))}::text[]) as u(id, hash)
      where o.document_id = u.id`
  if (others.length > 0) await tx`delete from originals where document_id = any(${others.map(each => each.id)}::uuid[])`
  for (const batch of batchesOf(rowsOf(others))) await step(() => insertOriginals(tx, batch))
}

function rowsOf(documents: readonly PreparedDocument[]): OriginalRow[] {
  return documents.flatMap(({ id, hash, original }) =>
    typeof original === 'object' && original !== null ? [{ documentId: id, hash, ...original }] : [],
  )
}

function* batchesOf(rows: readonly OriginalRow[]): Generator<readonly OriginalRow[]> {
  let [first, bytes] = [0, 0]
  for (const [at, row] of rows.entries()) {
    bytes += row.content.length
    if (bytes < batchBytes) continue
    yield rows.slice(first, at + 1)
    first = at + 1
    bytes = 0
  }
  if (first < rows.length) yield rows.slice(first)
}

async function insertOriginals(tx: Sql, rows: readonly OriginalRow[]): Promise<void> {
  await tx`
    insert into originals (document_id, hash, kind, content)
    select u.id, decode(u.hash, 'hex'), u.kind, decode(u.content, 'base64')
    from unnest(${rows.map(row => row.documentId)}::uuid[], ${rows.map(row => row.hash.toString('hex'))}::text[], ${rows.map(row => row.kind)}::text[],
      ${rows.map(row => Buffer.from(row.content).toString('base64'))}::text[]) as u(id, hash, kind, content)`
}
