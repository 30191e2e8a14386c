import type { TextKind } from '../../ask/retrieval/embedder.ts'

/** What a model wants before a text of each kind, letter for letter: `query: `, `search_document: `. */
export type Prefixes = Readonly<Record<TextKind, string>>

export const noPrefixes: Prefixes = { query: '', passage: '' }

/** A setting loses its blanks at the ends on its way through shells and files, so one blank is put behind it here. */
export function asPrefix(setting: string): string {
  return `${setting} `
}
