import { analyze, indexTerms } from '../../text/analyze.ts'
import type { Step } from '../../resilience/pace.ts'
import type { Embedder, TextKind } from '../retrieval/embedder.ts'
import { analyzeText } from '../retrieval/analyze-question.ts'
import { withUnits } from '../retrieval/late-interaction.ts'
import type { Candidate, PassageSearch } from '../retrieval/passage-search.ts'
import { comparedUnits, searchOf } from '../retrieval/retrieve.ts'
import { unitQuery } from '../../vectors/packed-units.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Unit } from '../terms/passage.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'
import { farQuestions, farQuestionsIn } from './far-questions.ts'
import { comparableLanguages, compared, dot, type FarVectors } from './languages.ts'
import { lexiconOf, type Lexicon } from './lexicon.ts'
import { mostLanguages } from './outdated.ts'
import { unrelatedTexts } from './range.ts'
import { summarized, type Measured, type MeasuredTrial } from './summary.ts'
import { syntheticQuestions, type SampledChunk, type SyntheticQuestion } from './synthetic.ts'
import type { Calibration, Spread } from './terms.ts'

/** What a measurement works with. */
export interface Measuring {
  readonly collection: AskedCollection
  readonly store: PassageSearch
  /** Chunks of the collection, spread over its documents; of equal documents the same ones. */
  readonly sample: (language: string, count: number) => Promise<readonly SampledChunk[]>
  readonly embedder: Pick<Embedder, 'embed' | 'languages' | 'countTokens' | 'maxTokens'>
  /** The texts that are embedded for a chunk with this title and text. */
  readonly windowTexts: (chunk: { title: string; text: string; language: string }) => readonly string[]
  /** Runs each search and each call to the model. */
  readonly step: Step
  readonly signal: AbortSignal
}

/** Questions made per collection, at most, and per language at least, if there are as many chunks. */
const mostQuestions = 48
/** Chunks read per language. Some have no question. */
const sampledChunks = 72
/** Far questions that the others are compared with, to find the scale of the model itself. */
const comparedTexts = 16
const textsAtOnce = 4
/** Passages whose units are compared with a question. */
const passagesWithUnits = 10

/**
 * Measures a collection and its model, from its own documents and the far questions alone: the scale of similarities,
 * how far vectors can be trusted, and the signals of questions that have an answer and of those that have none. Equal
 * documents and vectors give equal results. Null for a collection without chunks.
 */
export async function measure(measuring: Measuring): Promise<Omit<Calibration, 'version'> | null> {
  const { collection } = measuring
  const languages = collection.languages.slice(0, mostLanguages)
  if (collection.chunkCount === 0 || languages.length === 0) return null
  const farVectors = await embedFarQuestions(measuring, languages)
  const modelScale = await measureModel(measuring, languages, farVectors)
  const far = await measureFar(measuring, languages, farVectors)
  const { trials, chunkCounts } = await measureTrials(measuring, languages)
  return summarized({ collection, languages, far, trials, farVectors, modelScale, chunkCounts })
}

/** Unrelated texts by the model itself, per language. */
async function measureModel(
  measuring: Measuring,
  languages: readonly string[],
  vectors: FarVectors,
): Promise<ReadonlyMap<string, Spread>> {
  const scales = new Map<string, Spread>()
  for (const language of languages) {
    const asked = vectors.get(language)
    if (asked === undefined) continue
    const scale = unrelatedTexts(
      asked,
      await embedFar(measuring, farQuestionsIn(language).slice(0, comparedTexts), 'passage'),
    )
    if (scale !== null) scales.set(language, scale)
  }
  return scales
}

/** Vectors of far questions: all of the collection's languages, and some of each other language. */
async function embedFarQuestions(measuring: Measuring, languages: readonly string[]): Promise<FarVectors> {
  const vectors = new Map<string, readonly Float32Array[]>()
  if (measuring.collection.modelId === null) return vectors
  const readable = comparableLanguages(measuring.embedder.languages)
  for (const language of new Set([...languages.filter(each => isRead(measuring, each)), ...readable])) {
    vectors.set(language, await embedFar(measuring, farIn(language, languages), 'query'))
  }
  return vectors
}

/** All that there are in a language of the collection, and some in another one. */
function farIn(language: string, languages: readonly string[]): readonly string[] {
  const all = farQuestionsIn(language)
  return languages.includes(language) ? all : all.slice(0, compared)
}

function isRead({ embedder, collection }: Measuring, language: string): boolean {
  return collection.modelId !== null && (embedder.languages === 'any' || embedder.languages.includes(language))
}

async function measureFar(
  measuring: Measuring,
  languages: readonly string[],
  vectors: FarVectors,
): Promise<readonly Measured[]> {
  const measured: Measured[] = []
  for (const language of new Set([...languages, ...vectors.keys()]))
    for (const [index, text] of farIn(language, languages).entries()) {
      const asked = analyzeText(text, Object.hasOwn(farQuestions, language) ? language : 'en')
      const found = await search(measuring, asked, vectors.get(language)?.[index] ?? null)
      measured.push({ language, ...signalsIn(found.candidates, found.lexicalMaximum), unit: bestUnit(found.passages) })
    }
  return measured
}

/** Asks the questions that are made of the chunks themselves, and takes out of what is found what they are made of. */
async function measureTrials(measuring: Measuring, languages: readonly string[]) {
  const perLanguage = Math.ceil(mostQuestions / languages.length)
  const trials: MeasuredTrial[] = []
  const chunkCounts = new Map<string, number>()
  for (const language of languages) {
    const chunks = await measuring.sample(language, sampledChunks)
    chunkCounts.set(language, chunks.length < sampledChunks ? chunks.length : measuring.collection.chunkCount)
    const questions = syntheticQuestions(chunks).slice(0, perLanguage)
    const lexicon = lexiconOf(chunks.map(({ title, text }) => termsOf(title, text, language)))
    const vectors = isRead(measuring, language)
      ? await embedAll(
          measuring,
          questions.map(each => each.text),
          'query',
        )
      : []
    const left = await leftSimilarities(measuring, questions, vectors)
    for (const [index, question] of questions.entries()) {
      const trial = await measureTrial(measuring, {
        question,
        lexicon,
        vector: vectors[index] ?? null,
        left: left[index] ?? null,
      })
      if (trial !== null) trials.push(trial)
    }
  }
  return { trials, chunkCounts }
}

/** Similarity of each question to what is left of its chunk. */
async function leftSimilarities(
  measuring: Measuring,
  questions: readonly SyntheticQuestion[],
  vectors: readonly Float32Array[],
): Promise<number[]> {
  if (vectors.length === 0) return []
  const texts = questions.map(({ left, chunk }) => measuring.windowTexts({ ...left, language: chunk.language }))
  const embedded = await embedAll(measuring, texts.flat(), 'passage')
  let first = 0
  return texts.map((windows, index) => {
    const ours = embedded.slice(first, (first += windows.length))
    return Math.max(-1, ...ours.map(each => dot(vectors[index]!, each)))
  })
}

interface TrialInput {
  readonly question: SyntheticQuestion
  readonly lexicon: Lexicon
  readonly vector: Float32Array | null
  readonly left: number | null
}

/** Null when another chunk says the same, or the search is too coarse to find the chunk of the question. */
async function measureTrial(
  measuring: Measuring,
  { question, lexicon, vector, left }: TrialInput,
): Promise<MeasuredTrial | null> {
  const { chunk, text } = question
  const asked = analyzeText(text, chunk.language)
  const { candidates, ranked, passages, lexicalMaximum } = await search(measuring, asked, vector)
  const own = candidates.find(each => each.chunkId === chunk.chunkId)
  if (!own || candidates.some(each => each !== own && each.coverage >= 0.95)) return null
  const words = asked.own.map(each => each.term)
  const kept = lexicon.kept(
    words,
    termsOf(chunk.title, chunk.text, chunk.language),
    termsOf(question.left.title, question.left.text, chunk.language),
  )
  const corrected: Candidate = {
    ...own,
    lexical: own.lexical === null || kept.score === 0 ? null : own.lexical * kept.score,
    coverage: own.coverage * kept.coverage,
    vector: left,
  }
  const ownUnit = bestUnit(
    passages.filter(each => each.chunkId === chunk.chunkId),
    question,
  )
  const near = left === null ? null : (left + (ownUnit ?? left)) / 2
  const found = ranked.map(each => (each.chunkId === own.chunkId ? { ...corrected, vector: near } : each))
  return {
    language: chunk.language,
    chunkId: chunk.chunkId,
    isQuestion: question.isQuestion,
    found,
    ...signalsIn(
      candidates.map(each => (each === own ? corrected : each)),
      lexicalMaximum,
    ),
    unit: bestUnit(passages, question),
  }
}

function signalsIn(
  found: readonly Candidate[],
  lexicalMaximum: number,
): Pick<Measured, 'window' | 'coverage' | 'lexical'> {
  const similarities = found.flatMap(each => (each.vector === null ? [] : [each.vector]))
  return {
    window: similarities.length === 0 ? null : Math.max(...similarities),
    coverage: Math.max(0, ...found.map(each => each.coverage)),
    lexical:
      lexicalMaximum > 0 ? Math.min(1, Math.max(0, ...found.map(each => each.lexical ?? 0)) / lexicalMaximum) : null,
  }
}

interface ComparedPassage {
  readonly chunkId: number
  readonly documentId: string
  readonly units: readonly Unit[]
}

/** Similarity of the most similar unit, apart from those that the question is made of; null without units. */
function bestUnit(passages: readonly ComparedPassage[], question?: SyntheticQuestion): number | null {
  const { span = null, chunk = null } = question ?? {}
  const similarities = passages.flatMap(({ documentId, units }) =>
    units.flatMap(({ start, end, similarity }) => {
      const isOther = span === null || documentId !== chunk?.documentId || end <= span.start || start >= span.end
      return isOther && similarity !== null ? [similarity] : []
    }),
  )
  return similarities.length === 0 ? null : Math.max(...similarities)
}

async function search(
  { collection, store, step, signal }: Measuring,
  asked: AnalyzedQuestion,
  vector: Float32Array | null,
) {
  const wanted = { asked, vector, vectorWeight: 1, arm: 'fused', collection, filters: {}, topK: 0 } as const
  const [query, units] = [searchOf(wanted, true), vector === null ? null : unitQuery(vector)]
  const nearest = (candidates: readonly Candidate[]) =>
    [...candidates]
      .sort((a, b) => (b.vector ?? -1) - (a.vector ?? -1))
      .slice(0, passagesWithUnits)
      .map(each => each.chunkId)
  signal.throwIfAborted()
  const found = await step(() => store.search(query, nearest, { signal, label: 'calibrate' }))
  return {
    ...found,
    /** As the ranking sees them. */
    ranked: units === null ? found.candidates : withUnits(found.candidates, units, collection.windowsPerChunk),
    passages: Array.from(found.passages, ([chunkId, stored]): ComparedPassage => ({
      chunkId,
      documentId: stored.documentId,
      units: comparedUnits(stored, units),
    })),
  }
}

/** Vectors of far questions by model: the same for all of its collections. */
const farVectorsOf = new WeakMap<object, Map<string, Float32Array>>()

async function embedFar(
  measuring: Measuring,
  texts: readonly string[],
  kind: TextKind,
): Promise<readonly Float32Array[]> {
  const known = farVectorsOf.get(measuring.embedder) ?? new Map<string, Float32Array>()
  farVectorsOf.set(measuring.embedder, known)
  const missing = texts.filter(text => !known.has(`${kind} ${text}`))
  const vectors = await embedAll(measuring, missing, kind)
  missing.forEach((text, i) => known.set(`${kind} ${text}`, vectors[i]!))
  return texts.map(text => known.get(`${kind} ${text}`)!)
}

async function embedAll(
  { embedder, step, signal }: Measuring,
  texts: readonly string[],
  kind: TextKind,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let at = 0; at < texts.length; at += textsAtOnce) {
    signal.throwIfAborted()
    const batch = texts.slice(at, at + textsAtOnce).map(text => fitted(text, embedder))
    vectors.push(...(await step(() => embedder.embed(batch, signal, kind))))
  }
  return vectors
}

function fitted(text: string, { countTokens, maxTokens }: Measuring['embedder']): string {
  let fit = text
  while (countTokens(fit) > maxTokens) fit = fit.slice(0, Math.floor(fit.length * 0.8))
  // Some servers refuse half a character, and a text that is refused would end every measurement.
  return fit.toWellFormed()
}

function termsOf(title: string, text: string, language: string): string[] {
  return indexTerms(analyze(`${title}\n${text}`, language))
}
