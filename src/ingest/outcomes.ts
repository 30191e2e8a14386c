import type { Draft } from './draft.ts'
import type { ReadFault } from './terms.ts'

/** What comes of reading, document by document: the way into load.ts. */
export type Outcome =
  | { readonly draft: Draft }
  /** Stored just so already. */
  | { readonly unchanged: { readonly source: string; readonly characters: number } }
  | { readonly fault: ReadFault }

/** Which of these are to be drafted, since they are not stored just so. */
export type SortKnown = (
  documents: readonly { readonly source: string; readonly hash: Uint8Array }[],
) => Promise<boolean[]>
