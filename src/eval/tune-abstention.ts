import { farQuestionsIn } from '../ask/calibration/far-questions.ts'
import type { AbstentionThresholds } from '../ask/terms/collection.ts'
import { shareBelow, thresholdLosing } from './abstention-figures.ts'
import { judgementsOf, type SignalAsking } from './gather-signals.ts'

export interface TuningQuestion {
  readonly text: string
  readonly isAnswerable: boolean
}

/** How sure the service was, before an answer was written and with one; 0 when no sentence was found. */
export interface TuningAnswer extends TuningQuestion {
  readonly ofPassages: number
  readonly ofAnswer: number
}

export interface Tuned {
  readonly thresholds: AbstentionThresholds
  readonly answerable: number
  /** Share of the answerable questions that are refused. */
  readonly lost: number
  readonly unanswerable: number
  /** Share of the unanswerable questions that are refused. */
  readonly refused: number
}

/** A question of one word says little about what it asks. */
const shortestHeading = 2

/**
 * Questions of a collection that nobody has judged: its own headings and questions, which it answers, and questions of
 * other fields in its languages, which it does not.
 */
export function syntheticQuestions(
  titles: readonly { readonly title: string; readonly language: string }[],
  languages: readonly string[],
): TuningQuestion[] {
  const own = new Set(
    titles.map(({ title }) => questionFrom(title)).filter(text => text.split(/\s+/u).length >= shortestHeading),
  )
  return [...Array.from(own, text => ({ text, isAnswerable: true })), ...farQuestionsFor(languages)]
}

/** Questions of other fields, which hardly any documents answer. */
export function farQuestionsFor(languages: readonly string[]): TuningQuestion[] {
  const far = new Set(languages.flatMap(language => farQuestionsIn(language)))
  return Array.from(far, text => ({ text, isAnswerable: false }))
}

/** The last heading, if it is a question by itself; else with the title of its document. */
function questionFrom(title: string): string {
  const headings = title.split(' › ')
  const last = headings.at(-1) ?? ''
  return /[?？]$/u.test(last) || headings.length === 1 ? last : `${headings[0]} ${last}`
}

/** Asks every question past all caches; a gate that is closed would hide what follows it. */
export async function askForTuning(
  questions: readonly TuningQuestion[],
  asking: SignalAsking,
  onAsked: (count: number) => void,
): Promise<TuningAnswer[]> {
  const answers: TuningAnswer[] = []
  for (const [number, question] of questions.entries()) {
    asking.signal.throwIfAborted()
    const { judgedPassages, judgedAnswer } = await judgementsOf(
      { id: `tune-${number + 1}`, text: question.text },
      asking,
    )
    answers.push({
      ...question,
      ofPassages: judgedPassages?.confidence ?? 0,
      ofAnswer: judgedAnswer?.confidence ?? 0,
    })
    onAsked(number + 1)
  }
  return answers
}

/** A language model is asked unless a quarter of that loss would come from not asking it. */
const hopelessShare = 0.25
/** Share of the questions of other fields that a threshold has to refuse. One of them may be what a collection is about. */
const farRefused = 0.98

/**
 * The thresholds that lose this share of the answerable questions, but no higher than what refuses the others: easy
 * questions, such as headings, would allow a threshold that harder ones do not reach. `areOthersJudged`: people judged
 * the others, so all of them are refused.
 */
export function tuneThresholds(answers: readonly TuningAnswer[], lose: number, areOthersJudged: boolean): Tuned {
  const answerable = answers.filter(each => each.isAnswerable)
  const others = answers.filter(each => !each.isAnswerable)
  const tuned = (of: 'ofPassages' | 'ofAnswer', share: number) => {
    const losing = thresholdLosing(
      share,
      answerable.map(each => each[of]),
    )
    if (others.length === 0) return losing
    const ofOthers = others.map(each => each[of])
    if (!areOthersJudged) return Math.min(losing, thresholdLosing(farRefused, ofOthers))
    // In the middle between both, where they are apart.
    const highest = Math.max(...ofOthers)
    return losing > highest ? (losing + highest) / 2 : losing
  }
  const doubtful = tuned('ofAnswer', lose)
  const thresholds = { hopeless: Math.min(doubtful, tuned('ofPassages', lose * hopelessShare)), doubtful }
  const refusedOf = (all: readonly TuningAnswer[]) =>
    shareBelow(
      doubtful,
      all.map(({ ofPassages, ofAnswer }) => (ofPassages < thresholds.hopeless ? -1 : ofAnswer)),
    )
  return {
    thresholds,
    answerable: answerable.length,
    lost: refusedOf(answerable),
    unanswerable: others.length,
    refused: refusedOf(others),
  }
}
