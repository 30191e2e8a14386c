import type { Passage, Unit, Window } from '../../src/ask/terms/passage.ts'

/** A passage for tests. `before` is the text before it in its document. */
export function passage(text: string, options: Partial<Passage> & { readonly before?: string } = {}): Passage {
  const { before = '', ...rest } = options
  return {
    chunkId: 'd.0',
    documentId: 'd',
    version: 1,
    source: 'd.md',
    title: 'Title',
    url: null,
    language: 'en',
    text,
    start: before.length,
    end: before.length + text.length,
    page: null,
    metadata: {},
    windows: [],
    scores: { lexical: 1, lexicalRank: 1, vector: null, vectorRank: null, fused: 0.5, coverage: 1 },
    ...rest,
  }
}

/** The window for a piece of a passage's text. */
export function windowOf({ text, start }: Passage, piece: string, similarity = 0.9): Window {
  const at = start + text.indexOf(piece)
  return { start: at, end: at + piece.length, similarity }
}

/** The passage with units: those pieces of its text, with their similarity or their reranker's score. */
export function withUnits(
  whole: Passage,
  pieces: Readonly<Record<string, number | Omit<Unit, 'start' | 'end'>>>,
): Passage {
  const units = Object.entries(pieces).map(([piece, scored]): Unit => {
    const span = windowOf(whole, piece)
    return typeof scored === 'number' ? { ...span, similarity: scored } : { ...span, ...scored }
  })
  return { ...whole, units: units.sort((a, b) => a.start - b.start) }
}
