import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Degraded } from '../ask/terms/answer.ts'
import type { Ask, Explanation } from '../ask/terms/run.ts'
import { randomFrom, shuffled } from './random.ts'

/** A question whose documents are known to answer it, or not to. */
export interface KindedQuestion {
  readonly id: string
  readonly text: string
  readonly language: string | undefined
  /** `answerable`, or why it is not: `near`, `gap`, `far`. */
  readonly kind: string
  readonly isAnswerable: boolean
}

/** The signals of one question that was answered, with every gate open. */
export interface Observed {
  /** Documents and questions: `xquad-en`, or `xquad-en:xquad-ru`. */
  readonly set: string
  /** Models that were used. */
  readonly setup: string
  readonly id: string
  readonly language: string
  readonly kind: string
  readonly isAnswerable: boolean
  readonly passages: Readonly<Record<string, number>>
  /** Null when no sentence was found to quote. */
  readonly answer: Readonly<Record<string, number>> | null
}

interface QueryRow {
  readonly id: string
  readonly text: string
  readonly lang?: string
  readonly kind?: string
  readonly answerable?: boolean | null
  readonly history?: readonly unknown[]
}

/** Questions of `queries.jsonl` that are known to be answerable or not; those with a history depend on it, so not them. */
export async function readKinded(folder: string): Promise<KindedQuestion[]> {
  const lines = (await readFile(join(folder, 'queries.jsonl'), 'utf8')).split('\n').filter(line => line.trim() !== '')
  return lines
    .map(line => JSON.parse(line) as QueryRow)
    .filter(({ answerable, history = [] }) => typeof answerable === 'boolean' && history.length === 0)
    .map(({ id, text, lang, kind, answerable }) => ({
      id,
      text,
      language: lang,
      kind: answerable ? 'answerable' : (kind ?? 'unanswerable'),
      isAnswerable: answerable === true,
    }))
}

/** At most `count` of each kind, always the same ones for a seed. */
export function sampleByKind<T extends { readonly kind: string }>(all: readonly T[], count: number, seed: number): T[] {
  return Map.groupBy(all, ({ kind }) => kind)
    .values()
    .flatMap(group => shuffled(group, randomFrom(seed)).slice(0, count))
    .toArray()
}

export interface SignalAsking {
  readonly ask: Ask
  readonly collection: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

type Judged = Partial<Pick<Explanation, 'judgedPassages' | 'judgedAnswer'>>

/** A model that is busy misses its deadline, and is then left alone for a while. */
const maxAttempts = 10
const pauseMs = 5000

/**
 * Asks one question, past all caches, and returns how its passages and its quotations were judged. Rejects when a model
 * keeps failing, since without it the confidence would be another one.
 */
export async function judgementsOf(
  question: Pick<KindedQuestion, 'id' | 'text'>,
  asking: SignalAsking,
): Promise<Judged> {
  for (let attempt = 1; ; attempt++) {
    const { judged, degraded } = await askOnce(question, asking)
    if (degraded.length === 0) return judged
    if (attempt === maxAttempts)
      throw new Error(
        `question ${question.id} was answered without ${degraded.join(', ')}; check that the models are reachable`,
      )
    await setTimeout(pauseMs, undefined, { signal: asking.signal })
  }
}

async function askOnce(
  { id, text }: Pick<KindedQuestion, 'id' | 'text'>,
  { ask, collection, timeoutMs, signal }: SignalAsking,
): Promise<{ readonly judged: Judged; readonly degraded: readonly Degraded[] }> {
  const judged: Partial<Explanation> = {}
  const run = {
    id,
    signal,
    deadline: performance.now() + timeoutMs,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    isStreamed: false,
    cacheDirectives: { noStore: true },
    onStage() {},
    explain: (part: Partial<Explanation>) => void Object.assign(judged, part),
  }
  const question = { text, collection, mode: 'auto', topK: 5, filters: {}, language: undefined, history: [] } as const
  let degraded: readonly Degraded[] = []
  for await (const event of ask(question, run)) if (event.type === 'done') degraded = event.answer.degraded
  return { judged, degraded }
}
