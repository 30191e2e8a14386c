import { AskError, isAskError, type Fault } from '../errors.ts'
import type { DocumentInput } from './document-from.ts'
import type { Draft } from './draft.ts'
import type { Json } from './terms.ts'

/** A document as the API accepts it. */
export interface GivenDocument {
  readonly source: string
  readonly title?: string
  readonly text: string
  readonly format?: 'text' | 'markdown' | 'html'
  readonly url?: string
  readonly language?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

type DraftOne = (document: DocumentInput, signal: AbortSignal) => Promise<Draft | null>

/**
 * Drafts all documents, or throws an error that names every rejected one. Any other error, and a document that is too
 * costly, aborts the rest immediately.
 */
export async function draftAll(
  given: readonly GivenDocument[],
  signal: AbortSignal,
  draft: DraftOne,
): Promise<(Draft | null)[]> {
  const abort = new AbortController()
  const either = AbortSignal.any([signal, abort.signal])
  const rejected: ({ readonly error: AskError; readonly fault: Fault } | undefined)[] = []
  const drafts = await Promise.all(
    given.map(async (document, index) => {
      try {
        return await draft(inputOf(document), either)
      } catch (error) {
        const named = isDocumentFault(error) ? pointedAt(error, index) : null
        if (named && isAskError(error, 'document_refused')) return ((rejected[index] = named), null)
        abort.abort(error)
        throw named?.error ?? error
      }
    }),
  )
  const all = rejected.filter(each => each !== undefined)
  const [first] = all
  if (first === undefined) return drafts
  throw all.length === 1
    ? first.error
    : new AskError('document_refused', {
        detail: `${all.length} of the documents cannot be stored.`,
        faults: all.map(({ fault }) => fault),
      })
}

function isDocumentFault(error: unknown): error is AskError {
  return isAskError(error, 'document_refused') || isAskError(error, 'document_too_costly')
}

function pointedAt({ code, detail, cause }: AskError, index: number): { error: AskError; fault: Fault } {
  const fault = { pointer: `/documents/${index}`, detail }
  return { error: new AskError(code, { detail, faults: [fault], cause }), fault }
}

function inputOf(given: GivenDocument): DocumentInput {
  return {
    source: given.source,
    text: given.text,
    format: given.format ?? 'markdown',
    title: given.title ?? null,
    url: given.url ?? null,
    language: given.language ?? null,
    metadata: (given.metadata ?? {}) as { readonly [key: string]: Json },
  }
}
