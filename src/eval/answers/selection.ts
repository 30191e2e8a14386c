import { bootstrap, type Estimate } from '../intervals.ts'
import { calibrationOf, type Calibration } from './calibration.ts'
import {
  auc,
  curveOf,
  refusedAtLoss,
  rightAt,
  rightFalseArea,
  riskCoverageArea,
  type CurvePoint,
  type Scored,
} from './curves.ts'
import type { Asked, Reply } from './terms.ts'
import { openVerdictOf, verdictOf } from './verdict.ts'

/** What a gate could go by: the service's own figure, and single signals to compare it with. */
export type SignalName = 'product' | 'coverage' | 'cosine' | 'unit' | 'rerank'

/** How well a signal separates what can be answered from one kind of questions that cannot. */
export interface Separation {
  readonly auc: Estimate
  /** Share refused when at most 5 % of the answerable questions are lost, by a threshold chosen in hindsight. */
  readonly refusedAt5: Estimate
}

export interface SignalFigures {
  readonly signal: SignalName
  /** Questions for which the signal has a value. */
  readonly known: number
  readonly rightFalse: Estimate
  readonly riskCoverage: Estimate
  readonly kinds: Readonly<Record<string, Separation>>
  readonly curve: readonly CurvePoint[]
}

export interface Selection {
  /** What the product's curve is over: `confidence` as replied, or `relevance` where it replies none. */
  readonly by: 'confidence' | 'relevance'
  readonly answerable: number
  readonly unanswerable: number
  /** What the product gives at its own threshold. */
  readonly chosen: { readonly right: number; readonly false: number }
  readonly signals: readonly SignalFigures[]
  /** Where the best single signal, cut in hindsight, is furthest ahead of the product; null where it never is. */
  readonly worst: Behind | null
  /** The same at the number of false answers that the product's own threshold gives; 0 or more if it is not behind. */
  readonly aheadAtChosen: number
  /** Calibration of the confidence, as the probability of a right answer and of an answerable question. */
  readonly calibration: Calibrations | null
  /** By language, where there are several. */
  readonly languages: Readonly<Record<string, Calibrations>>
}

export interface Calibrations {
  readonly right: Calibration
  readonly answerable: Calibration
}

export interface Behind {
  readonly signal: SignalName
  readonly false: number
  readonly right: number
  readonly product: number
}

const signalNames: readonly SignalName[] = ['product', 'coverage', 'cosine', 'unit', 'rerank']

/** Selective prediction over all questions that are answerable or not. Null when the set has only one of the two. */
export function selectionOf(all: readonly Asked[]): Selection | null {
  const asked = all.filter(({ question, reply }) => question.isAnswerable !== null && !reply.isSmalltalk)
  const answerable = asked.filter(({ question }) => question.isAnswerable === true)
  if (answerable.length === 0 || answerable.length === asked.length) return null
  const by = asked.every(({ reply }) => reply.confidence !== null) ? 'confidence' : 'relevance'
  const signals = signalNames.flatMap(signal => {
    const values = asked.map(each => scoreOf(each, signal, by))
    return values.some(value => value !== null) ? [signalFigures(signal, asked, values)] : []
  })
  const chosen = {
    right: answerable.filter(({ question, reply }) => verdictOf(question, reply) === 'right').length,
    false: asked.filter(({ question, reply }) => question.isAnswerable === false && !reply.abstained).length,
  }
  return {
    by,
    answerable: answerable.length,
    unanswerable: asked.length - answerable.length,
    chosen,
    signals,
    worst: worstOf(signals, asked.length - answerable.length),
    aheadAtChosen: chosen.right - bestOther(signals, chosen.false).right,
    calibration: by === 'confidence' ? calibrationsOf(asked) : null,
    languages: by === 'confidence' ? byLanguage(asked) : {},
  }
}

/** The confidence of a refusal is that of the answer it would have been. */
function scoreOf({ reply, open }: Asked, signal: SignalName, by: Selection['by']): number | null {
  if (signal === 'product') return by === 'confidence' ? reply.confidence : reply.relevance
  const best = (replies: readonly (Reply | null)[]) =>
    replies.map(each => each?.signals[signal] ?? null).find(value => value !== null) ?? null
  return best([reply, open])
}

function signalFigures(signal: SignalName, asked: readonly Asked[], values: readonly (number | null)[]): SignalFigures {
  const scored = asked.map((each, index): Scored & { kind: string } => ({
    score: values[index] ?? -Infinity,
    isAnswerable: each.question.isAnswerable === true,
    isRight: each.question.isAnswerable === true && openVerdictOf(each) === 'right',
    kind: each.question.kind,
  }))
  const answerable = scored.filter(each => each.isAnswerable)
  const kinds = Object.groupBy(
    scored.filter(each => !each.isAnswerable),
    each => each.kind,
  )
  return {
    signal,
    known: values.filter(value => value !== null).length,
    rightFalse: bootstrap(scored, rightFalseArea),
    riskCoverage: bootstrap(scored, riskCoverageArea),
    kinds: Object.fromEntries(
      Object.entries(kinds).map(([kind, group = []]) => [kind, separationOf([...answerable, ...group])]),
    ),
    curve: curveOf(scored),
  }
}

function separationOf(scored: readonly Scored[]): Separation {
  const split = (all: readonly Scored[]) =>
    [all.filter(each => each.isAnswerable), all.filter(each => !each.isAnswerable)].map(side =>
      side.map(each => each.score),
    ) as [number[], number[]]
  return {
    auc: bootstrap(scored, all => auc(...split(all))),
    refusedAt5: bootstrap(scored, all => refusedAtLoss(...split(all), 0.05)),
  }
}

function worstOf(signals: readonly SignalFigures[], mostFalse: number): Behind | null {
  const product = signals.find(each => each.signal === 'product')
  if (!product) return null
  let worst: Behind | null = null
  for (let count = 0; count <= mostFalse; count += 1) {
    const best = bestOther(signals, count)
    const own = rightAt(product.curve, count)
    if (best.signal !== null && best.right > own && best.right - own > (worst ? worst.right - worst.product : 0))
      worst = { signal: best.signal, false: count, right: best.right, product: own }
  }
  return worst
}

function bestOther(
  signals: readonly SignalFigures[],
  mostFalse: number,
): { readonly signal: SignalName | null; readonly right: number } {
  return signals
    .filter(each => each.signal !== 'product')
    .map(({ signal, curve }) => ({ signal, right: rightAt(curve, mostFalse) }))
    .reduce<{ signal: SignalName | null; right: number }>((a, b) => (b.right > a.right ? b : a), {
      signal: null,
      right: 0,
    })
}

function calibrationsOf(asked: readonly Asked[]): Calibrations {
  const outcomes = (isSo: (each: Asked) => boolean) =>
    asked.map(each => ({ confidence: each.reply.confidence ?? 0, isSo: isSo(each) }))
  return {
    right: calibrationOf(outcomes(each => each.question.isAnswerable === true && openVerdictOf(each) === 'right')),
    answerable: calibrationOf(outcomes(each => each.question.isAnswerable === true)),
  }
}

function byLanguage(asked: readonly Asked[]): Record<string, Calibrations> {
  const groups = Map.groupBy(asked, ({ question, reply }) => question.language ?? reply.language)
  if (groups.size < 2) return {}
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([language, group]) => [language, calibrationsOf(group)]),
  )
}
