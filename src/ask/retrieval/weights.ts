import type { Calibration, ModelPrior, SimilarityRange } from '../calibration/terms.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Embedder } from './embedder.ts'

/** Until a model is measured words lead, and similarity alone is never enough. */
const unmeasured: ModelPrior = { vectorWeight: 0.3, similarity: { unrelated: 0.9, related: 1.2, span: 0.3 } }

/** Weights of the dense retriever by language, as `askwell eval --learn` found them for one model. */
export type LearnedWeights = Readonly<Record<string, LearnedWeight>>

export interface LearnedWeight {
  readonly weight: number
  /** The span of similarities that it was learned with; null where an older version learned it without. */
  readonly span: number | null
}

type Model = Pick<Embedder, 'languages' | 'prior'>
type Calibrated = Pick<AskedCollection, 'calibration' | 'vectorWeights'>

/**
 * Weight of the dense retriever for questions in this language. 0 when the model cannot read it, whatever was learned:
 * its ranking there is noise. What was learned from judged questions goes before what the documents alone show.
 */
export function vectorWeight(model: Model, language: string, { calibration, vectorWeights }: Calibrated): number {
  if (!canRead(model, language)) return 0
  return own(vectorWeights, language) ?? measuredWeight(model, language, calibration)
}

/** As {@link vectorWeight}, without what was learned from judged questions. */
export function measuredWeight(
  { prior = unmeasured }: Model,
  language: string,
  calibration: Calibration | null,
): number {
  if (calibration === null) return prior.vectorWeight
  const { vectorWeights, languages, far } = calibration
  // It was measured before it had vectors. Those that follow have no scale yet.
  if (far.window === null && Object.keys(vectorWeights).length === 0) return 0
  const measured = own(vectorWeights, language)
  if (measured !== undefined) return measured
  const pairs = languages.flatMap(each => own(vectorWeights, `${language}>${each}`) ?? [])
  if (pairs.length > 0) return Math.max(...pairs)
  // A language that nothing was measured in: no more than the model earns where it was measured.
  return Math.min(unmeasured.vectorWeight, ...languages.flatMap(each => own(vectorWeights, each) ?? []))
}

/** What similarities of windows to questions in this language mean. */
export function similarityRange(
  { prior = unmeasured }: Model,
  language: string,
  calibration: Calibration | null,
): SimilarityRange {
  if (calibration === null) return prior.similarity
  return own(calibration.byLanguage, language)?.windows ?? calibration.windows
}

/**
 * Learned weights as the collection's own span needs them: a weight counts by the spread of the similarities over the
 * span, so that with another span another weight means the same.
 */
export function rescaled(
  model: Model,
  learned: LearnedWeights,
  calibration: Calibration | null,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(learned).map(([language, { weight, span }]) => [
      language,
      span === null ? weight : (weight * similarityRange(model, language, calibration).span) / span,
    ]),
  )
}

export function canRead({ languages }: Pick<Embedder, 'languages'>, language: string): boolean {
  return languages === 'any' || languages.includes(language)
}

/** A property of the object itself: languages are callers' words, such as "constructor". */
function own<T>(values: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined
}
