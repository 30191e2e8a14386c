import type { Citation, Passage } from '../terms.ts'

/** An answer made of quoted sentences, with the citation of each `[n]`. */
export interface Extracted {
  readonly text: string
  readonly citations: readonly Citation[]
}

interface Span {
  readonly passageIndex: number
  /** Offsets into the passage's text. */
  readonly start: number
  readonly end: number
}

/** Each run of adjacent sentences, verbatim, followed by its citation. */
export function quotedAnswer(runs: readonly (readonly Span[])[], passages: readonly Passage[]): Extracted {
  const quotes = runs.flatMap(run => {
    const [first, last] = [run[0], run.at(-1)]
    const passage = first && passages[first.passageIndex]
    return first && last && passage
      ? [{ passage, index: first.passageIndex + 1, start: first.start, end: last.end }]
      : []
  })
  const parts = quotes.map(({ passage, index, start, end }) => `${passage.text.slice(start, end)} [${index}]`)
  return {
    text: parts.join(parts.some(part => part.includes('\n')) ? '\n\n' : ' '),
    citations: quotes.map(({ passage, index, start, end }) => citationOf(passage, index, start, end)),
  }
}

/** `start` and `end` are offsets in the passage; the citation uses offsets in the stored document. */
function citationOf(passage: Passage, index: number, start: number, end: number): Citation {
  return {
    index,
    documentId: passage.documentId,
    chunkId: passage.chunkId,
    version: passage.version,
    title: passage.title,
    url: passage.url,
    page: passage.page,
    quote: passage.text.slice(start, end),
    start: passage.start + start,
    end: passage.start + end,
    score: passage.scores.fused,
  }
}
