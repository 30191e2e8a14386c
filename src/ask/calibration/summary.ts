import type { AskedCollection } from '../terms/collection.ts'
import { bestConnection, connection, type FarVectors } from './languages.ts'
import { measuringVersion } from './outdated.ts'
import { rangeOf, rounded, separationIn, separationOf, type Separation, type Similarities } from './range.ts'
import { clamp, mean, shrunk, spreadOf, withoutHighOutliers } from './statistics.ts'
import type {
  Calibration,
  FarSimilarities,
  LanguageRange,
  SignalName,
  Signals,
  SimilarityRange,
  Spread,
} from './terms.ts'
import { crossWeight, type Trial, unknownTrust, weightFrom } from './trust.ts'

/** A question with what was found for it. */
export interface Measured extends Readonly<Record<SignalName, number | null>> {
  readonly language: string
}

export interface MeasuredTrial extends Measured, Trial {
  readonly isQuestion: boolean
}

/** Everything that was measured of a collection. */
export interface Measurements {
  readonly collection: Pick<AskedCollection, 'modelId' | 'languages' | 'chunkCount'>
  /** Those of the collection that were measured. */
  readonly languages: readonly string[]
  /** Also in languages that only the model reads. */
  readonly far: readonly Measured[]
  readonly trials: readonly MeasuredTrial[]
  readonly farVectors: FarVectors
  /** Similarities of unrelated texts by the model itself, by language. */
  readonly modelScale: ReadonlyMap<string, Spread>
  /** Chunks by language. */
  readonly chunkCounts: ReadonlyMap<string, number>
}

/** Questions that a collection has itself, from which on they alone show what those of its users are like. */
const fewestQuestions = 6

/** For a collection without vectors: no similarity means anything. */
const noRange: SimilarityRange = { unrelated: 0.9, related: 1.2, span: 0.3 }

/** The calibration that the measurements show. */
export function summarized(all: Measurements): Omit<Calibration, 'version'> {
  const { collection, far, trials, languages } = all
  const windows = pooled(all, 'window')
  const units = pooled(all, 'unit')
  return {
    measuring: measuringVersion,
    modelId: collection.modelId,
    languages: collection.languages,
    windows: windows === null ? noRange : rangeOf(windows),
    units: units === null ? null : rangeOf(units),
    byLanguage: windows === null ? {} : byLanguage(all, windows, units),
    vectorWeights: windows === null ? {} : weightsOf(all, rangeOf(windows).span),
    far: signalsOf(
      far.filter(each => languages.includes(each.language)),
      withoutHighOutliers,
    ),
    farByLanguage: Object.fromEntries(
      Map.groupBy(far, each => each.language)
        .entries()
        .map(([language, own]) => [language, farIn(own, far)]),
    ),
    related: signalsOf(likeQuestions(trials), values => values),
    questions: trials.length,
    chunkCount: collection.chunkCount,
  }
}

function pooled(
  { languages, far, trials, modelScale, collection }: Measurements,
  signal: 'window' | 'unit',
): Separation | null {
  const scales = [...modelScale.values()]
  const model =
    scales.length === 0 ? null : { mean: mean(scales.map(e => e.mean)), deviation: mean(scales.map(e => e.deviation)) }
  return separationOf(
    similaritiesOf(
      far.filter(each => languages.includes(each.language)),
      trials,
      signal,
    ),
    { model, chunkCount: collection.chunkCount },
  )
}

function byLanguage(
  { languages, far, trials, modelScale, chunkCounts }: Measurements,
  windows: Separation,
  units: Separation | null,
): Record<string, LanguageRange> {
  const ranges: Record<string, LanguageRange> = {}
  for (const language of languages) {
    const ofLanguage = (each: Measured) => each.language === language
    const [low, high] = [far.filter(ofLanguage), trials.filter(ofLanguage)]
    if (valuesOf(low, 'window').length === 0) continue
    const own = { model: modelScale.get(language) ?? null, chunkCount: chunkCounts.get(language) ?? 0 }
    ranges[language] = {
      windows: rangeOf(separationIn(similaritiesOf(low, high, 'window'), windows, own)),
      units: units && rangeOf(separationIn(similaritiesOf(low, high, 'unit'), units, own)),
    }
  }
  return ranges
}

/** Where a collection has questions of its own, they alone show what those of its users are like. */
function likeQuestions(trials: readonly MeasuredTrial[]): readonly MeasuredTrial[] {
  const questions = trials.filter(each => each.isQuestion)
  return questions.length >= fewestQuestions ? questions : trials
}

function similaritiesOf(
  far: readonly Measured[],
  trials: readonly MeasuredTrial[],
  signal: 'window' | 'unit',
): Similarities {
  return {
    far: valuesOf(far, signal),
    questions: valuesOf(
      trials.filter(each => each.isQuestion),
      signal,
    ),
    statements: valuesOf(
      trials.filter(each => !each.isQuestion),
      signal,
    ),
  }
}

/** Weights of the collection's languages, and of each other language with the one of them that it connects with best. */
function weightsOf(
  { languages, far, trials, farVectors, collection }: Measurements,
  span: number,
): Record<string, number> {
  const weights: Record<string, number> = {}
  const own = languages.filter(each => farVectors.has(each))
  for (const language of own) {
    const ofLanguage = trials.filter(each => each.language === language && each.window !== null)
    const similarities = {
      related: valuesOf(ofLanguage, 'window'),
      far: valuesOf(
        far.filter(each => each.language === language),
        'window',
      ),
    }
    if (areAllAlike(similarities)) {
      weights[language] = 0
      continue
    }
    const apart = separated(similarities.related, similarities.far)
    const known = Math.max(unknownTrust * apart, bestConnection(farVectors, language))
    weights[language] = weightFrom(ofLanguage, { known, span, chunkCount: collection.chunkCount })
  }
  for (const from of farVectors.keys())
    for (const to of own)
      if (from !== to) weights[`${from}>${to}`] = crossWeight(connection(farVectors, from, to), weights[to] ?? 0)
  return weights
}

/** More than the rounding of stored vectors, much less than any model tells texts apart by. */
const leastDifference = 0.001

/** Whether all texts have one vector, as from a server that is set up wrongly. Then any order of chunks is by chance. */
function areAllAlike({
  related,
  far,
}: {
  readonly related: readonly number[]
  readonly far: readonly number[]
}): boolean {
  const all = [...related, ...far]
  return far.length > 1 && Math.max(...all) - Math.min(...all) < leastDifference
}

/** Deviations of far questions that related ones are above them, from which on the model certainly means something. */
const certainlyApart = 1.5

/** 0 when the model finds questions of the documents no nearer than far ones, 1 when it clearly does, or none was made. */
function separated(related: readonly number[], far: readonly number[]): number {
  const [high, low] = [spreadOf(related), spreadOf(withoutHighOutliers(far))]
  if (high === null || low === null || low.deviation === 0) return 1
  return clamp((high.mean - low.mean) / low.deviation / certainlyApart, 0, 1)
}

function signalsOf(measured: readonly Measured[], chosen: (values: readonly number[]) => readonly number[]): Signals {
  const signal = (name: SignalName) => roundedSpread(spreadOf(chosen(valuesOf(measured, name))))
  return { window: signal('window'), unit: signal('unit'), coverage: signal('coverage'), lexical: signal('lexical') }
}

/** Far questions that tell as much of the deviation in one language as all the others do. */
const farStrength = 12

/** Each language has a mean of its own; few questions do not tell its deviation. */
function farIn(own: readonly Measured[], all: readonly Measured[]): FarSimilarities {
  const signal = (name: 'window' | 'unit') => {
    const values = withoutHighOutliers(valuesOf(own, name))
    const measured = spreadOf(values)
    if (measured === null) return null
    const languages = Map.groupBy(all, each => each.language)
    const usual = mean(
      Array.from(languages.values(), each => spreadOf(withoutHighOutliers(valuesOf(each, name)))?.deviation ?? 0),
    )
    const { deviation } = shrunk(measured, values.length, { mean: measured.mean, deviation: usual }, farStrength)
    return roundedSpread({ mean: measured.mean, deviation })
  }
  return { window: signal('window'), unit: signal('unit') }
}

function roundedSpread(spread: Spread | null): Spread | null {
  return spread && { mean: rounded(spread.mean), deviation: rounded(spread.deviation) }
}

function valuesOf(measured: readonly Measured[], signal: SignalName): number[] {
  return measured.flatMap(each => (each[signal] === null ? [] : [each[signal]]))
}
