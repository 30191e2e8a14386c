import { draftChunks, languageOf, type DraftModel } from './draft.ts'
import { contentHash } from './prepare.ts'
import type { Outcome, SortKnown } from './outcomes.ts'
import type { SourceDocument } from './terms.ts'

/** Number of documents per call of `sort`. */
const batchSize = 64

/** Drafts documents in this process. Only for trusted input such as evaluation sets. */
export async function* documentsHere(
  documents: Iterable<SourceDocument>,
  model: DraftModel,
  sort: SortKnown,
): AsyncGenerator<Outcome> {
  let batch: SourceDocument[] = []
  for (const document of documents) {
    batch.push(document)
    if (batch.length < batchSize) continue
    yield* outcomesOf(batch, model, sort)
    batch = []
  }
  yield* outcomesOf(batch, model, sort)
}

async function* outcomesOf(
  documents: readonly SourceDocument[],
  model: DraftModel,
  sort: SortKnown,
): AsyncGenerator<Outcome> {
  const hashed = documents.map(document => ({ document, source: document.source, hash: contentHash(document, model) }))
  const wanted = hashed.length > 0 ? await sort(hashed) : []
  for (const [i, { document, hash }] of hashed.entries()) {
    const { source, text } = document
    if (wanted[i]) yield { draft: draftOf(document, hash, model) }
    else yield { unchanged: { source, characters: text.length } }
  }
}

function draftOf(document: SourceDocument, hash: Buffer, model: DraftModel) {
  const { sections: _sections, keywords: _keywords, ...head } = document
  const language = languageOf(document, model)
  return { ...head, language, hash, chunks: [...draftChunks(document, language, model)] }
}
