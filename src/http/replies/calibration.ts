import type { Calibration, LanguageRange, Signals, SimilarityRange, Spread } from '../../ask/calibration/terms.ts'

export type CalibrationJson = ReturnType<typeof calibrationJson>

/** What an explanation says of it: the ranges of questions in this language. */
export function calibrationNote({ version, windows, units, byLanguage }: Calibration, language: string | undefined) {
  const ofLanguage = language !== undefined && Object.hasOwn(byLanguage, language) ? byLanguage[language] : undefined
  return { version, ...languageJson(ofLanguage ?? { windows, units }) }
}

/** What was measured of a collection and its model, as replies show it. */
export function calibrationJson({
  version,
  windows,
  units,
  byLanguage,
  far,
  farByLanguage,
  related,
  ...rest
}: Calibration) {
  return {
    version,
    questions: rest.questions,
    chunk_count: rest.chunkCount,
    languages: rest.languages,
    passages: rangeJson(windows),
    sentences: units && rangeJson(units),
    by_language: Object.fromEntries(
      Object.entries(byLanguage).map(([language, ranges]) => [language, languageJson(ranges)]),
    ),
    vector_weights: rest.vectorWeights,
    far: signalsJson(far),
    far_by_language: Object.fromEntries(
      Object.entries(farByLanguage).map(([language, { window, unit }]) => [
        language,
        { passage: spreadJson(window), sentence: spreadJson(unit) },
      ]),
    ),
    related: signalsJson(related),
  }
}

function languageJson({ windows, units }: LanguageRange) {
  return { passages: rangeJson(windows), sentences: units && rangeJson(units) }
}

function rangeJson({ unrelated, related, span }: SimilarityRange) {
  return { unrelated, related, span }
}

function signalsJson({ window, unit, coverage, lexical }: Signals) {
  return {
    passage: spreadJson(window),
    sentence: spreadJson(unit),
    coverage: spreadJson(coverage),
    lexical: spreadJson(lexical),
  }
}

function spreadJson(spread: Spread | null) {
  return spread && { mean: spread.mean, deviation: spread.deviation }
}
