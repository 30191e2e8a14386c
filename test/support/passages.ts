import type { Passage, Window } from '../../src/ask/terms.ts'

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
