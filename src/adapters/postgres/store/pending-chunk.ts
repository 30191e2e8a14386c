import type { Chunk } from '../../../ingest/terms.ts'

/** A chunk that needs new vectors. */
export interface PendingChunk extends Chunk {
  readonly id: string
  readonly documentText: string
  readonly language: string
}

export function pendingChunkOf(row: Record<string, unknown>): PendingChunk {
  return {
    id: String(row['id']),
    documentText: String(row['document_text']),
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
