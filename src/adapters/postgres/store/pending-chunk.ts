import type { PendingChunk } from '../../../ingest/terms.ts'
import type { Fragment, Sql } from '../database.ts'
import type { Row } from '../driver.ts'

/**
 * Chunks of the condition with an id above `afterId`, in order. Only the first chunk of each document has its text: a
 * large document has thousands of chunks.
 */
export async function selectPending(sql: Sql, condition: Fragment, afterId: string, limit: number) {
  const rows = await sql`
    select p.*, case when p.place = 1 then d.text end as document_text
    from (
      select c.*, row_number() over (partition by c.document_id order by c.id) as place
      from (select c.* from chunks c where ${condition} and c.id > ${afterId}::bigint order by c.id limit ${limit}) c) p
    join documents d on d.id = p.document_id order by p.id`
  const texts = new Map<string, string>()
  return rows.map(row => {
    const documentId = String(row['document_id'])
    if (typeof row['document_text'] === 'string') texts.set(documentId, row['document_text'])
    return pendingChunkOf(row, texts.get(documentId) ?? '')
  })
}

function pendingChunkOf(row: Row, documentText: string): PendingChunk {
  return {
    id: String(row['id']),
    documentText,
    language: String(row['language']),
    ordinal: Number(row['ordinal']),
    start: Number(row['start_at']),
    end: Number(row['end_at']),
    title: String(row['title']),
    anchor: row['anchor'] as string | null,
    page: row['page'] as number | null,
    tokens: Number(row['tokens']),
    ...tableHeaderIn(row['table_header'] as string | null),
    ...sectionsIn(row['sections'] as PendingChunk['sections'] | null),
  }
}

function tableHeaderIn(tableHeader: string | null): Pick<PendingChunk, 'tableHeader'> {
  return tableHeader === null ? {} : { tableHeader }
}

function sectionsIn(sections: PendingChunk['sections'] | null): Pick<PendingChunk, 'sections'> {
  return sections ? { sections } : {}
}
