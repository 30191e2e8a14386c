import type { AbstentionThresholds } from '../terms/collection.ts'
import type { Evidence, Judgement } from '../terms/evidence.ts'
import type { Quoted } from './evidence.ts'
import { confidenceOf, modelFor, notesOf, type LearnedModels, type Stage } from './model.ts'
import { answerSignals, passageSignals, type Signals } from './signals.ts'

/** Judges whether the documents answer a question. Pure. */
export interface Gate {
  /** Before an answer is written. */
  readonly ofPassages: (evidence: Evidence) => Judgement
  /** With the sentences that were chosen. */
  readonly ofAnswer: (evidence: Evidence, quoted: Quoted) => Judgement
}

/**
 * `threshold` is the service's own (`ABSTAIN_BELOW`), null for those that the models were shipped with. A collection's
 * own threshold goes first, except before 0, which switches abstention off.
 */
export function createGate(learned: LearnedModels, threshold: number | null): Gate {
  const ofService = threshold === null ? undefined : thresholdsAt(threshold)
  const judge = (stage: Stage, signals: Signals, own: AbstentionThresholds | undefined): Judgement => {
    const model = modelFor(learned, stage, signals)
    const set = threshold === 0 ? ofService : (own ?? ofService)
    if (model === undefined) return { confidence: 0, thresholds: set ?? always, signals, notes: () => [] }
    return {
      confidence: confidenceOf(model, signals),
      thresholds: set ?? model.thresholds,
      signals,
      notes: () => notesOf(model, signals),
    }
  }
  return {
    ofPassages: evidence => judge('passages', passageSignals(evidence), evidence.collection.abstention),
    ofAnswer: (evidence, quoted) => judge('answer', answerSignals(evidence, quoted), evidence.collection.abstention),
  }
}

/** Nothing was found: no confidence is high enough. */
export const always: AbstentionThresholds = { hopeless: 1, doubtful: 1 }

/** A language model can say itself that it found nothing, so it is asked from a third of the confidence on. */
const modelShare = 1 / 3

export function thresholdsAt(doubtful: number): AbstentionThresholds {
  return { hopeless: doubtful * modelShare, doubtful }
}

/** Not even a language model would find an answer. */
export function isHopeless({ confidence, thresholds }: Judgement): boolean {
  return confidence < thresholds.hopeless
}

/** Quoting might show what does not answer. */
export function isDoubtful({ confidence, thresholds }: Judgement): boolean {
  return confidence < thresholds.doubtful
}
