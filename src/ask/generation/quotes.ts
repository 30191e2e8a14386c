import type { Span } from '../../text/sentences.ts'
import type { Citation, Passage } from '../terms/passage.ts'
import { withoutMarkers } from './citation-markers.ts'
import { placeAt } from './places.ts'

/** An answer made of quoted sentences, with the citation of each `[n]`. */
export interface Extracted {
  readonly text: string
  readonly citations: readonly Citation[]
}

interface QuotedSpan extends Span {
  readonly passageIndex: number
  /** Set for a row of a table. */
  readonly row?: { readonly header: string | null } | undefined
}

/**
 * Each run of adjacent sentences, followed by its citation, numbered from 1. Verbatim, except that a document's own `[2]` is escaped, so
 * that it does not look like a citation; the quote in the citation is not. Rows have the header of their table above
 * them.
 */
export function quotedAnswer(runs: readonly (readonly QuotedSpan[])[], passages: readonly Passage[]): Extracted {
  const quotes = runs.flatMap(run => {
    const [first, last] = [run[0], run.at(-1)]
    const passage = first && passages[first.passageIndex]
    return first && last && passage
      ? [
          {
            passage,
            start: first.start,
            end: last.end,
            header: first.row?.header ?? null,
          },
        ]
      : []
  })
  const parts = quotes.map(({ passage, start, end, header }, i) => {
    const quote = passage.text.slice(start, end)
    return `${withoutMarkers(header === null ? quote : `${header}\n${quote}`)} [${i + 1}]`
  })
  return {
    text: parts.join(parts.some(part => part.includes('\n')) ? '\n\n' : ' '),
    citations: quotes.map(({ passage, ...quote }, i) => citationOf(passage, i + 1, quote)),
  }
}

/** `start` and `end` are offsets in the passage; the citation uses offsets in the stored document. */
export function citationOf(passage: Passage, index: number, { start, end }: Span): Citation {
  const { documentId, chunkId, version, source, metadata, scores } = passage
  const { title, url, page } = placeAt(passage, start)
  return {
    index,
    documentId,
    chunkId,
    version,
    source,
    title,
    url,
    page,
    metadata,
    quote: passage.text.slice(start, end),
    start: passage.start + start,
    end: passage.start + end,
    score: scores.fused,
  }
}
