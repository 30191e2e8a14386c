import { hash } from 'node:crypto'
import {
  confidenceOf,
  hasSource,
  signalsOf,
  standardised,
  type LearnedModel,
  type LearnedModels,
  type Stage,
} from '../ask/abstention/model.ts'
import type { Spread } from '../ask/calibration/terms.ts'
import { signsOf, type SignalName, type Signals, type Source } from '../ask/abstention/signals.ts'
import { areaUnderCurve, calibrationError, shareBelow, thresholdLosing, type Scored } from './abstention-figures.ts'
import type { Observed } from './gather-signals.ts'
import { fitLogistic } from './logistic.ts'

export interface Fitted {
  readonly learned: LearnedModels
  readonly judged: readonly Judged[]
}

/** A question with the confidence of a model that was fitted without its set. */
export interface Judged extends Scored {
  readonly observed: Observed
  readonly stage: Stage
  /** The sources of the model, joined by "+". */
  readonly sources: string
}

const vectors: readonly (readonly Source[])[] = [[], ['windows'], ['windows', 'units']]
/** Every combination of sources that a service may have. Scores of a reranker alone are of passages that something found. */
const combinations: readonly (readonly Source[])[] = [[], ['words'] as const].flatMap(words =>
  vectors.flatMap(dense =>
    [[], ['reranker'] as const]
      .map((reranker): Source[] => [
        ...words,
        ...dense,
        ...(words.length > 0 && dense.length > 0 ? ['both' as const] : []),
        ...reranker,
      ])
      .filter(all => all.some(source => source !== 'reranker')),
  ),
)

const stages: readonly Stage[] = ['passages', 'answer']
/** Fewer questions are not worth a model; one that needs fewer sources judges instead. */
const fewest = 200
const penalty = 0.003
/** Share of answerable questions that may be lost on any set before a language model (`hopeless`). */
const hopelessLoss = 0.01
/**
 * Share of those that may be lost without one: on average over the sets, and on any of them. Passages alone show less than
 * sentences that were chosen from them, so they may lose two thirds of it.
 */
const doubtfulLoss: Readonly<Record<Stage, { readonly onAverage: number; readonly onAny: number }>> = {
  passages: { onAverage: 0.035, onAny: 0.07 },
  answer: { onAverage: 0.05, onAny: 0.1 },
}

/** Fits a model for each stage and combination of sources that enough questions have. */
export function fitModels(observed: readonly Observed[]): Fitted {
  const judged: Judged[] = []
  const models = stages.flatMap(stage =>
    combinations.flatMap(sources => {
      // With a reranker only the models that use it judge, and other sentences are quoted.
      const rows = observed.filter(
        each => hasAll(each, stage, sources) && (sources.includes('reranker') || !hasAll(each, stage, ['reranker'])),
      )
      if (rows.length < fewest || rows.every(each => each.isAnswerable)) return []
      const outside = leavingOutEach(rows, stage, sources)
      if (outside.length === 0) return []
      judged.push(...outside)
      return [{ ...modelOf(rows, stage, sources), ...judgedBy(outside) }]
    }),
  )
  return { learned: { version: hash('sha256', JSON.stringify(models), 'base64url').slice(0, 12), models }, judged }
}

export function signalsAt(observed: Observed, stage: Stage): Signals {
  return (stage === 'passages' ? observed.passages : observed.answer) ?? {}
}

function hasAll(observed: Observed, stage: Stage, sources: readonly Source[]): boolean {
  return sources.every(source => hasSource(signalsAt(observed, stage), source, stage))
}

type Plain = Pick<LearnedModel, 'stage' | 'sources' | 'bias' | 'signals'>

function modelOf(rows: readonly Observed[], stage: Stage, sources: readonly Source[]): Plain {
  const names = signalsOf(sources, stage)
  const weights = weightsOf(rows)
  const scales = names.map(name => scaleOf(name, rows, weights, stage))
  const { bias, weights: learned } = fitLogistic(
    rows.map((each, i) => ({
      values: names.map((name, k) => standardised(name, signalsAt(each, stage)[name] ?? scales[k]!.mean, scales[k]!)),
      isPositive: each.isAnswerable,
      weight: weights[i]!,
    })),
    { penalty, signs: names.map(name => signsOf[name]) },
  )
  const signals = names.map((name, i) => ({ name, weight: rounded(learned[i]!), ...scales[i]! }))
  return { stage, sources, bias: rounded(bias), signals: signals.filter(({ weight }) => weight !== 0) }
}

function scaleOf(name: SignalName, rows: readonly Observed[], weights: readonly number[], stage: Stage): Spread {
  const measured = rows.flatMap((each, i) => {
    const value = signalsAt(each, stage)[name]
    return value === undefined ? [] : [{ value, weight: weights[i]! }]
  })
  const total = measured.reduce((sum, { weight }) => sum + weight, 0)
  const mean = measured.reduce((sum, { value, weight }) => sum + value * weight, 0) / total
  const variance = measured.reduce((sum, { value, weight }) => sum + (value - mean) ** 2 * weight, 0) / total
  return { mean: rounded(mean), deviation: rounded(Math.sqrt(variance)) }
}

function rounded(value: number): number {
  return Number(value.toPrecision(5))
}

/** Share of the answerable questions that confidence is calibrated for. */
export const answerableShare = 0.6

/** Every set and setup counts the same, and in each every kind of unanswerable question; of answerable ones every question. */
function weightsOf(rows: readonly Observed[]): number[] {
  const groupOf = ({ set, setup, isAnswerable }: Observed) => `${setup} ${set} ${isAnswerable}`
  const kindOf = (each: Observed) => `${groupOf(each)} ${each.isAnswerable ? '' : each.kind}`
  const counts = countsBy(rows, kindOf)
  const kinds = countsBy([...new Set(rows.map(kindOf))], kind => kind.slice(0, kind.lastIndexOf(' ')))
  const groups = new Set(rows.map(({ set, setup }) => `${setup} ${set}`)).size
  return rows.map(each => {
    const share = each.isAnswerable ? answerableShare : 1 - answerableShare
    const [ofGroup = 1, ofKind = 1] = [kinds.get(groupOf(each)), counts.get(kindOf(each))]
    return (share * rows.length) / (groups * ofGroup * ofKind)
  })
}

function countsBy<T>(all: readonly T[], keyOf: (each: T) => string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const each of all) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1)
  return counts
}

/** Every set judged by a model that was fitted to the others; nothing for a single set. */
function leavingOutEach(rows: readonly Observed[], stage: Stage, sources: readonly Source[]): Judged[] {
  const bySet = Map.groupBy(rows, ({ set }) => set)
  if (bySet.size < 2) return []
  return Array.from(bySet, ([set, own]) => {
    const others = rows.filter(each => each.set !== set)
    const model = modelOf(others, stage, sources)
    return own.map(observed => ({
      observed,
      stage,
      sources: sources.join('+'),
      score: confidenceOf(model, signalsAt(observed, stage)),
      isAnswerable: observed.isAnswerable,
    }))
  }).flat()
}

/** Thresholds and figures, from questions that the models had not seen. */
function judgedBy(judged: readonly Judged[]): Pick<LearnedModel, 'thresholds' | 'figures'> {
  const answerable = judged.filter(each => each.observed.kind === 'answerable')
  const { onAverage, onAny } = doubtfulLoss[judged[0]!.stage]
  const hopeless = lowestOverSets(hopelessLoss, answerable)
  const lowest = Math.min(lowestOverSets(onAny, answerable), meanOverSets(onAverage, answerable))
  const doubtful = Math.max(hopeless, lowest)
  const refused = Map.groupBy(
    judged.filter(each => !each.isAnswerable),
    ({ observed: { kind } }) => kind,
  )
  return {
    thresholds: { hopeless: rounded(hopeless), doubtful: rounded(doubtful) },
    figures: {
      questions: judged.length,
      auc: hundredth(areaUnderCurve(judged) ?? 0.5),
      calibrationError: hundredth(calibrationError(judged, answerableShare)),
      refused: Object.fromEntries(
        Array.from(refused, ([kind, each]) => [kind, hundredth(shareBelow(doubtful, scoresOf(each)))]),
      ),
    },
  }
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100
}

/** The lowest of the thresholds that lose this share in one set: on none of them is more lost. */
function lowestOverSets(share: number, answerable: readonly Judged[]): number {
  return Math.min(...Array.from(bySetOf(answerable), each => thresholdLosing(share, scoresOf(each))))
}

/** The threshold that loses this share on average over the sets. */
function meanOverSets(share: number, answerable: readonly Judged[]): number {
  const sets = Array.from(bySetOf(answerable), scoresOf)
  const lost = (threshold: number) => sets.reduce((sum, scores) => sum + shareBelow(threshold, scores), 0) / sets.length
  return scoresOf(answerable)
    .toSorted((a, b) => b - a)
    .find(each => lost(each) <= share)!
}

function bySetOf(judged: readonly Judged[]) {
  return Map.groupBy(judged, ({ observed: { set, setup } }) => `${setup} ${set}`).values()
}

function scoresOf(judged: readonly Judged[]): number[] {
  return judged.map(({ score }) => score)
}
