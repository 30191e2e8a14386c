import type { AbstentionThresholds } from '../terms/collection.ts'
import type { SignalNote } from '../terms/evidence.ts'
import type { Spread } from '../calibration/terms.ts'
import { isShare, signalsBySource, type SignalName, type Signals, type Source } from './signals.ts'

/** `passages`: judged before an answer is written; `answer`: with the sentences that are quoted. */
export type Stage = 'passages' | 'answer'

/** A signal in a model: its weight applies to its distance from the mean, in deviations. */
export interface LearnedSignal {
  readonly name: SignalName
  readonly weight: number
  readonly mean: number
  readonly deviation: number
}

/** Logistic regression over the signals of some sources. */
export interface LearnedModel {
  readonly stage: Stage
  readonly sources: readonly Source[]
  readonly bias: number
  readonly signals: readonly LearnedSignal[]
  /** Confidence below which at most 1 in 100 answerable questions of any set was lost (`hopeless`), or 5 (`doubtful`). */
  readonly thresholds: AbstentionThresholds
  readonly figures: ModelFigures
}

/** On sets that were left out when it was fitted, unless it says otherwise. */
export interface ModelFigures {
  readonly questions: number
  readonly auc: number
  /** Expected calibration error over ten bins. */
  readonly calibrationError: number
  /** Share refused at the threshold where 5 % of the answerable are lost, by kind of question. */
  readonly refused: Readonly<Record<string, number>>
}

export interface LearnedModels {
  /** Part of the cache key. */
  readonly version: string
  readonly models: readonly LearnedModel[]
}

/** Signals that may be missing although their source is there. They count as their mean: neither way. */
const optional: ReadonlySet<SignalName> = new Set<SignalName>(['rise'])

/** The model for the sources whose signals are there: of those that need no other, the one that uses the most. */
export function modelFor({ models }: LearnedModels, stage: Stage, signals: Signals): LearnedModel | undefined {
  const fitting = models.filter(
    each => each.stage === stage && each.signals.every(({ name }) => signals[name] !== undefined || optional.has(name)),
  )
  return fitting.toSorted((a, b) => b.sources.length - a.sources.length)[0]
}

/** Whether all signals of a source are there. */
export function hasSource(signals: Signals, source: Source, stage: Stage): boolean {
  return signalsOf([source], stage).every(name => signals[name] !== undefined || optional.has(name))
}

/** The signals that a model over these sources uses. */
export function signalsOf(sources: readonly Source[], stage: Stage): SignalName[] {
  return sources.flatMap((source): SignalName[] => {
    const { passages, answer } = signalsBySource[source]
    return stage === 'passages' ? [...passages] : [...passages, ...answer]
  })
}

/** In deviations. A signal that has no limits and is far outside of what was learned from counts as one at its edge. */
const farthest = 3

/** A signal's distance from its mean, in deviations. */
export function standardised(name: SignalName, value: number, { mean, deviation }: Spread): number {
  if (deviation === 0) return 0
  const distance = (value - mean) / deviation
  return isShare(name) ? distance : Math.min(farthest, Math.max(-farthest, distance))
}

function contributionOf({ name, weight, mean, deviation }: LearnedSignal, signals: Signals): number {
  return weight * standardised(name, signals[name] ?? mean, { mean, deviation })
}

/** Probability that the documents answer the question, 0…1. */
export function confidenceOf(model: Pick<LearnedModel, 'bias' | 'signals'>, signals: Signals): number {
  const logit = model.signals.reduce((sum, signal) => sum + contributionOf(signal, signals), model.bias)
  return 1 / (1 + Math.exp(-logit))
}

/** What each signal adds to the confidence, the largest first. */
export function notesOf(model: LearnedModel, signals: Signals): SignalNote[] {
  return model.signals
    .map(signal => ({
      name: signal.name,
      value: signals[signal.name] ?? signal.mean,
      weight: signal.weight,
      contribution: contributionOf(signal, signals),
    }))
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution))
}
