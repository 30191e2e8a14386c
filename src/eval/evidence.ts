import type { Embedder } from '../ask/retrieval/embedder.ts'
import { embedWith } from '../ask/retrieval/embed.ts'
import { withUnits } from '../ask/retrieval/late-interaction.ts'
import { searchOf } from '../ask/retrieval/retrieve.ts'
import type { AskedCollection } from '../ask/terms/collection.ts'
import type { Run } from '../ask/terms/run.ts'
import { analyzeQuestion } from '../ask/retrieval/analyze-question.ts'
import { canRead, measuredWeight, similarityRange } from '../ask/retrieval/weights.ts'
import { unitQuery } from '../vectors/packed-units.ts'
import { degraded, questionOf, runOf, type AskingContext } from './ask-all.ts'
import type { Judged } from './metrics.ts'
import type { JudgedQuestion } from './set.ts'
import type { Candidate, PassageSearch } from '../ask/retrieval/passage-search.ts'

/** Candidates of both retrievers for a question, before fusion. */
export interface JudgedCandidates {
  /** The question's language as the service determines it. */
  readonly language: string
  /** The weight of the dense retriever that the documents alone show, and the span of similarities that it goes with. */
  readonly measured: number
  readonly span: number
  readonly judged: Judged
  readonly found: readonly (Candidate & { readonly source: string })[]
}

export interface Gathering extends AskingContext {
  readonly store: PassageSearch
  readonly embedder: Embedder
  readonly asked: AskedCollection
  readonly onGathered: (done: number, total: number) => void
}

const noCache = { get: async () => undefined, set() {} }

/**
 * Candidates for every answerable question in a language that the model reads; other languages have no weight to learn.
 */
export async function gather(questions: readonly JudgedQuestion[], gathering: Gathering): Promise<JudgedCandidates[]> {
  const embed = embedWith(gathering.embedder, noCache)
  const gathered: JudgedCandidates[] = []
  for (const [index, question] of questions.entries()) {
    gathering.signal.throwIfAborted()
    gathering.onGathered(index, questions.length)
    if (question.isAnswerable) gathered.push(...(await evidenceOf(question, gathering, embed)))
  }
  return gathered
}

async function evidenceOf(
  question: JudgedQuestion,
  gathering: Gathering,
  embed: ReturnType<typeof embedWith>,
): Promise<JudgedCandidates[]> {
  const { store, embedder, asked: collection } = gathering
  const run: Run = runOf(question, gathering)
  const asked = analyzeQuestion(questionOf(question, gathering), collection)
  if (!canRead(embedder, asked.language)) return []
  const { vector } = await embed(asked, run)
  if (vector === null) throw degraded(question)
  const wanted = { asked, vector, vectorWeight: 1, arm: 'fused', collection, filters: {}, topK: 0 } as const
  const search = searchOf(wanted, (embedder.unitsUpTo ?? 0) > 0)
  const { candidates, passages } = await store.search(search, all => all.map(each => each.chunkId), {
    signal: run.signal,
    label: 'learn',
  })
  const found = withUnits(candidates, unitQuery(vector), collection.windowsPerChunk).flatMap(each => {
    const source = passages.get(each.chunkId)?.source
    return source === undefined ? [] : [{ ...each, source }]
  })
  const { language } = asked
  const { calibration } = collection
  const measured = measuredWeight(embedder, language, calibration)
  const { span } = similarityRange(embedder, language, calibration)
  return [{ language, measured, span, judged: question.judged, found }]
}
