import { hash } from 'node:crypto'
import {
  confidenceOf,
  hasSource,
  signalsOf,
  type LearnedModel,
  type LearnedModels,
  type Stage,
} from '../ask/abstention/model.ts'
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
      .map(reranker => [...words, ...dense, ...reranker] as Source[])
      .filter(all => all.some(source => source !== 'reranker')),
  ),
)

const stages: readonly Stage[] = ['passages', 'answer']
/** Fewer questions are not worth a model; one that needs fewer sources judges instead. */
const fewest = 200
const penalty = 0.003
/** Share of answerable questions that may be lost. */
const losses = { hopeless: 0.01, doubtful: 0.05 } as const

/** Fits a model for each stage and combination of sources that enough questions have. */
export function fitModels(observed: readonly Observed[]): Fitted {
  const judged: Judged[] = []
  const models = stages.flatMap(stage =>
    combinations.flatMap(sources => {
      const rows = observed.filter(each => hasAll(each, stage, sources))
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
      values: names.map((name, k) => standardised(signalsAt(each, stage)[name]!, scales[k]!)),
      isPositive: each.isAnswerable,
      weight: weights[i]!,
    })),
    { penalty, signs: names.map(name => signsOf[name]) },
  )
  const signals = names.map((name, i) => ({ name, weight: rounded(learned[i]!), ...scales[i]! }))
  return { stage, sources, bias: rounded(bias), signals: signals.filter(({ weight }) => weight !== 0) }
}

interface Scale {
  readonly mean: number
  readonly deviation: number
}

function scaleOf(name: SignalName, rows: readonly Observed[], weights: readonly number[], stage: Stage): Scale {
  const values = rows.map(each => signalsAt(each, stage)[name]!)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = values.reduce((sum, value, i) => sum + value * weights[i]!, 0) / total
  const variance = values.reduce((sum, value, i) => sum + (value - mean) ** 2 * weights[i]!, 0) / total
  return { mean: rounded(mean), deviation: rounded(Math.sqrt(variance)) }
}

function standardised(value: number, { mean, deviation }: Scale): number {
  return deviation > 0 ? Math.min(3, Math.max(-3, (value - mean) / deviation)) : 0
}

function rounded(value: number): number {
  return Number(value.toPrecision(5))
}

/** Share of the answerable questions that confidence is calibrated for. */
const answerableShare = 0.6

/** Every set and setup counts the same, and in each every kind of unanswerable question. */
function weightsOf(rows: readonly Observed[]): number[] {
  const groupOf = ({ set, setup, isAnswerable }: Observed) => `${setup} ${set} ${isAnswerable}`
  const kindOf = (each: Observed) => `${groupOf(each)} ${each.kind}`
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
  const answerable = judged.filter(each => each.isAnswerable)
  const at = (share: number) => rounded(thresholdOverSets(share, answerable))
  const threshold = thresholdOverSets(0.05, answerable)
  const refused = Map.groupBy(
    judged.filter(each => !each.isAnswerable),
    ({ observed: { kind } }) => kind,
  )
  return {
    thresholds: { hopeless: at(losses.hopeless), doubtful: at(losses.doubtful) },
    figures: {
      questions: judged.length,
      auc: hundredth(areaUnderCurve(judged) ?? 0.5),
      calibrationError: hundredth(calibrationError(judged)),
      refused: Object.fromEntries(
        Array.from(refused, ([kind, each]) => [
          kind,
          hundredth(
            shareBelow(
              threshold,
              each.map(({ score }) => score),
            ),
          ),
        ]),
      ),
    },
  }
}

function hundredth(value: number): number {
  return Math.round(value * 100) / 100
}

/** The lowest of the thresholds that lose this share in one set: on none of them is more lost. */
function thresholdOverSets(share: number, answerable: readonly Judged[]): number {
  const groups = Map.groupBy(answerable, ({ observed: { set, setup } }) => `${setup} ${set}`)
  return Math.min(
    ...Array.from(groups.values(), each =>
      thresholdLosing(
        share,
        each.map(({ score }) => score),
      ),
    ),
  )
}
