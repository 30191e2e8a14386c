import type { TextKind } from '../../ask/retrieval/embedder.ts'

/** The text that a model expects before a text of each kind, verbatim: `query: `, `search_document: `. */
export type Prefixes = Readonly<Record<TextKind, string>>

export const noPrefixes: Prefixes = { query: '', passage: '' }

/** Shells and files strip spaces at the ends of a setting, so one space is added here. */
export function asPrefix(setting: string): string {
  return `${setting} `
}
