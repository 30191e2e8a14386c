import type { Pooling } from './pooling.ts'
import type { Json } from './json.ts'
import type { Prefixes } from '../prefixes.ts'

/** Name of the file that `askwell models pull` writes into the folder of a model, after everything else. */
export const manifestFile = 'askwell-model.json'

/** What a pull has recorded of a model. */
export interface Manifest {
  readonly name: string
  readonly kind: 'embedding' | 'reranker'
  /** Where it came from. */
  readonly address: string
  readonly pulledAt: string
  readonly license?: string
  readonly languages?: readonly string[] | 'any'
  readonly prefixes?: Prefixes
  readonly pooling?: Pooling
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[]
}

/** What the manifest says about how a model is used; nothing where there is none. */
export function usageIn(
  json: Json,
): Pick<Manifest, 'languages' | 'pooling'> & { readonly prefixes: Partial<Prefixes> } {
  const { languages, prefixes = {}, pooling } = (json ?? {}) as Partial<Manifest>
  return { prefixes, ...(languages !== undefined && { languages }), ...(pooling !== undefined && { pooling }) }
}
