import { hash } from 'node:crypto'
import type { Answer } from '../../ask/terms/answer.ts'
import type { Question } from '../../ask/terms/question.ts'
import type { AskFacts } from '../../ask/terms/run.ts'
import type { Subscriber } from '../../events.ts'

/** A finished question. */
interface ObservedQuestion {
  readonly question: Question
  /** The mode of the answer. Null when there is no answer. */
  readonly mode: 'fast' | 'smart' | null
  readonly language: string | null
  readonly ms: number
  /** Duration of each stage in milliseconds. */
  readonly timings: Readonly<Record<string, number>>
  readonly traceId?: string
}

export interface SlowQuestion {
  readonly fingerprint: string
  /** How often it was among the slow questions. */
  readonly count: number
  readonly maxMs: number
  readonly lastAt: string
  /** From the slowest occurrence, as are the fields below. */
  readonly mode: 'fast' | 'smart' | null
  readonly language: string | null
  readonly slowestStage: string | null
  readonly traceId?: string
  /** Only if questions may be logged. */
  readonly question?: string
}

export interface SlowQuestionsOptions {
  /** False keeps only the fingerprints of questions, not their texts. */
  readonly isTextKept: boolean
  /** Maps equal questions to one text, as in the cache key (ask/cache/cache-key.ts). */
  readonly normalised: (text: string) => string
  /** In milliseconds since 1970. */
  readonly now?: () => number
}

/** Only what is shown. The history and filters of a question may take 250 kB, and 1,500 questions are stored. */
type Slow = Omit<ObservedQuestion, 'question'> & { readonly text: string | undefined }

interface Entry {
  readonly slowest: Slow
  readonly count: number
  readonly lastAt: number
}

type Minute = Map<string, Entry>

const minuteMs = 60_000
const maxMinutes = 15
const maxPerMinute = 100
const maxShown = 10

export type SlowQuestions = ReturnType<typeof createSlowQuestions>

/** The slowest questions of the last 15 minutes that were not plain cache hits, at most a hundred per minute. */
export function createSlowQuestions({ isTextKept, normalised, now = Date.now }: SlowQuestionsOptions) {
  const minutes = new Map<number, Minute>()

  function note(observed: ObservedQuestion): void {
    const at = now()
    const minute = minuteOf(at)
    const fastest = minute.size < maxPerMinute ? null : fastestOf(minute)
    if (fastest && observed.ms <= fastest.ms) return
    const fingerprint = fingerprintOf(observed.question, normalised)
    const before = minute.get(fingerprint)
    if (fastest && !before) minute.delete(fastest.fingerprint)
    const slow = before && before.slowest.ms >= observed.ms ? before.slowest : slowOf(observed, isTextKept)
    minute.set(fingerprint, { slowest: slow, count: (before?.count ?? 0) + 1, lastAt: at })
  }

  function minuteOf(at: number): Minute {
    const number = Math.floor(at / minuteMs)
    let minute = minutes.get(number)
    if (!minute) minutes.set(number, (minute = new Map()))
    for (const old of minutes.keys()) if (old <= number - maxMinutes) minutes.delete(old)
    return minute
  }

  function slowest(): SlowQuestion[] {
    minuteOf(now())
    const all = new Map<string, Entry>()
    for (const minute of minutes.values())
      for (const [fingerprint, entry] of minute) all.set(fingerprint, merged(all.get(fingerprint), entry))
    return [...all]
      .sort(([, a], [, b]) => b.slowest.ms - a.slowest.ms)
      .slice(0, maxShown)
      .map(([fingerprint, entry]) => toSlowQuestion(fingerprint, entry))
  }

  const subscriber: Subscriber = {
    questionAnswered(question, answer, facts) {
      // The duration of a cached answer says nothing about its question.
      const { status } = answer.cache
      if (status === 'miss' || status === 'bypass') note(observed(question, answer, facts))
    },
    questionFailed(question, code, facts) {
      // A rejection says nothing of its question either, and there may be thousands.
      if (facts.operation === 'ask' && code !== 'overloaded') note(observed(question, null, facts))
    },
  }

  return { subscriber, slowest }
}

function observed(
  question: Question,
  answer: Answer | null,
  { ms, timings, loggedTraceId }: AskFacts,
): ObservedQuestion {
  const { mode = null, language = null } = answer ?? {}
  return { question, mode, language, ms, timings, ...(loggedTraceId !== undefined && { traceId: loggedTraceId }) }
}

/**
 * Equal on every replica, so that a slow question can be matched across replicas. A fingerprint lets a reader who
 * guesses a question confirm that it was asked, so even fingerprints require the monitoring key.
 */
function fingerprintOf({ collection, text }: Question, normalised: (text: string) => string): string {
  return hash('sha256', JSON.stringify([collection, normalised(text)]), 'hex').slice(0, 12)
}

function fastestOf(minute: Minute): { readonly fingerprint: string; readonly ms: number } {
  let fastest = { fingerprint: '', ms: Infinity }
  for (const [fingerprint, { slowest }] of minute)
    if (slowest.ms < fastest.ms) fastest = { fingerprint, ms: slowest.ms }
  return fastest
}

function merged(a: Entry | undefined, b: Entry): Entry {
  if (a === undefined) return b
  return {
    slowest: a.slowest.ms >= b.slowest.ms ? a.slowest : b.slowest,
    count: a.count + b.count,
    lastAt: Math.max(a.lastAt, b.lastAt),
  }
}

function slowOf({ question, language, ...rest }: ObservedQuestion, isTextKept: boolean): Slow {
  return { ...rest, language: language ?? question.language ?? null, text: isTextKept ? question.text : undefined }
}

function toSlowQuestion(
  fingerprint: string,
  { slowest: { text, mode, language, ms, timings, traceId }, count, lastAt }: Entry,
): SlowQuestion {
  return {
    fingerprint,
    count,
    maxMs: Math.round(ms * 10) / 10,
    lastAt: new Date(lastAt).toISOString(),
    mode,
    language,
    slowestStage: slowestStageOf(timings),
    ...(traceId !== undefined && { traceId }),
    ...(text !== undefined && { question: text }),
  }
}

function slowestStageOf(timings: ObservedQuestion['timings']): string | null {
  const [slowest] = Object.entries(timings)
    .filter(([name]) => name !== 'total')
    .sort(([, a], [, b]) => b - a)
  return slowest?.[0] ?? null
}
