import type { Draft } from './draft.ts'
import type { FileColumns, ReadFault } from './terms.ts'

/** Result of reading one document; the input of load.ts. */
export type Outcome =
  | { readonly draft: Draft }
  /** Already stored with identical content. */
  | { readonly unchanged: { readonly source: string; readonly characters: number } }
  | { readonly fault: ReadFault }
  | { readonly columns: FileColumns }

/** Decides which documents must be drafted because they are not stored with identical content. */
export type SortKnown = (
  documents: readonly { readonly source: string; readonly hash: Uint8Array }[],
) => Promise<boolean[]>
