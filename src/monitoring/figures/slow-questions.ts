import { hash } from 'node:crypto'
import type { Question } from '../../ask/terms.ts'

/** A question that is over, as the edge tells of it. */
export interface ObservedQuestion {
  readonly question: Question
  /** As it was answered; null: it was not. */
  readonly mode: 'fast' | 'smart' | null
  readonly language: string | null
  readonly ms: number
  /** What each stage took, in milliseconds. */
  readonly timings: Readonly<Record<string, number>>
  readonly traceId?: string
}

export interface SlowQuestion {
  readonly fingerprint: string
  /** How often it was among the slow ones. */
  readonly count: number
  readonly maxMs: number
  readonly lastAt: string
  /** Of the slowest time. */
  readonly mode: 'fast' | 'smart' | null
  readonly language: string | null
  readonly slowestStage: string | null
  readonly traceId?: string
  /** Only where the log may have it too. */
  readonly question?: string
}

export interface SlowQuestionsOptions {
  /** Texts are kept; else only their fingerprints. */
  readonly isTextKept: boolean
  /** What makes two questions one: ask/cache-key.ts's. */
  readonly normalised: (text: string) => string
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** What is shown of one: a question's history and filters may be 250 kB, and 1,500 questions are kept. */
type Slow = Omit<ObservedQuestion, 'question'> & { readonly text: string | undefined }

interface Entry {
  readonly slowest: Slow
  readonly count: number
  readonly lastAt: number
}

type Minute = Map<string, Entry>

const minuteMs = 60_000
const minutesKept = 15
const keptOfMinute = 100
const shown = 10

export type SlowQuestions = ReturnType<typeof createSlowQuestions>

/** The slowest of the last 15 minutes that were not simply remembered, a hundred a minute at the most. */
export function createSlowQuestions({ isTextKept, normalised, now = Date.now }: SlowQuestionsOptions) {
  const minutes = new Map<number, Minute>()

  function note(heard: ObservedQuestion): void {
    const at = now()
    const minute = minuteOf(at)
    const least = minute.size < keptOfMinute ? null : leastOf(minute)
    if (least && heard.ms <= least.ms) return
    const fingerprint = fingerprintOf(heard.question, normalised)
    const before = minute.get(fingerprint)
    if (least && !before) minute.delete(least.fingerprint)
    const slow = before && before.slowest.ms >= heard.ms ? before.slowest : slowOf(heard, isTextKept)
    minute.set(fingerprint, { slowest: slow, count: (before?.count ?? 0) + 1, lastAt: at })
  }

  function minuteOf(at: number): Minute {
    const number = Math.floor(at / minuteMs)
    let minute = minutes.get(number)
    if (!minute) minutes.set(number, (minute = new Map()))
    for (const old of minutes.keys()) if (old <= number - minutesKept) minutes.delete(old)
    return minute
  }

  function slowest(): SlowQuestion[] {
    minuteOf(now())
    const all = new Map<string, Entry>()
    for (const minute of minutes.values())
      for (const [fingerprint, entry] of minute) all.set(fingerprint, joined(all.get(fingerprint), entry))
    return [...all]
      .sort(([, a], [, b]) => b.slowest.ms - a.slowest.ms)
      .slice(0, shown)
      .map(([fingerprint, entry]) => shownOf(fingerprint, entry))
  }

  return { note, slowest }
}

/**
 * The same on every replica, so that a slow question is found again in another's figures; whoever can guess a question
 * can tell that it was asked, which is why even these stand behind the key for monitoring.
 */
function fingerprintOf({ collection, text }: Question, normalised: (text: string) => string): string {
  return hash('sha256', JSON.stringify([collection, normalised(text)]), 'hex').slice(0, 12)
}

function leastOf(minute: Minute): { readonly fingerprint: string; readonly ms: number } {
  let least = { fingerprint: '', ms: Infinity }
  for (const [
    fingerprint,
    {
      slowest: { ms },
    },
  ] of minute)
    if (ms < least.ms) least = { fingerprint, ms }
  return least
}

function joined(a: Entry | undefined, b: Entry): Entry {
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

function shownOf(
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
    slowestStage: slowestOf(timings),
    ...(traceId !== undefined && { traceId }),
    ...(text !== undefined && { question: text }),
  }
}

function slowestOf(timings: ObservedQuestion['timings']): string | null {
  const [slowest] = Object.entries(timings)
    .filter(([name]) => name !== 'total')
    .sort(([, a], [, b]) => b - a)
  return slowest?.[0] ?? null
}
