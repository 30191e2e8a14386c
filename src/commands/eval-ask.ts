import { randomUUID } from 'node:crypto'
import type { Question } from '../ask/terms/question.ts'
import type { Ask, Explanation, Run } from '../ask/terms/run.ts'
import { replyFrom, type AskReply } from '../eval/answers/http-reply.ts'
import type { AskOne } from '../eval/answers/measure.ts'
import { replyOf } from '../eval/answers/reply.ts'
import type { AnswerQuestion, Reply } from '../eval/answers/terms.ts'
import type { Logger } from 'pino'
import { lastAnswer } from '../http/replies/json.ts'
import { setTimeout as sleep } from 'node:timers/promises'

export interface AskingHere {
  /** The service as it is. */
  readonly ask: Ask
  /** The same without a relevance threshold. */
  readonly open: Ask
  readonly collection: string
  readonly language: 'given' | 'detect'
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly log: Logger
}

const passages = 5

/**
 * Asks the pipeline of this process, past its caches. A question that is refused is asked once more without the
 * threshold, for the curves: what would have been answered?
 */
export function askHere(asking: AskingHere): AskOne {
  return async question => {
    const reply = await replyFromPipeline(asking.ask, question, asking)
    const open = reply.abstained ? await replyFromPipeline(asking.open, question, asking) : reply
    return { question, reply, open }
  }
}

async function replyFromPipeline(ask: Ask, question: AnswerQuestion, asking: AskingHere): Promise<Reply> {
  return await undegraded(question, asking.signal, async () => await oneReply(ask, question, asking))
}

interface Attempt {
  readonly reply: Reply
  readonly degraded: readonly string[]
}

async function oneReply(
  ask: Ask,
  question: AnswerQuestion,
  { collection, language, timeoutMs, signal, log }: AskingHere,
): Promise<Attempt> {
  const explanation: Partial<Explanation> = {}
  const startedAt = performance.now()
  const run: Run = {
    id: randomUUID(),
    signal,
    deadline: startedAt + timeoutMs,
    log,
    isStreamed: false,
    cacheDirectives: { noCache: true, noStore: true },
    onStage() {},
    explain: part => void Object.assign(explanation, part),
  }
  const asked: Question = {
    text: question.text,
    collection,
    mode: 'auto',
    topK: passages,
    filters: {},
    language: language === 'given' ? question.language : undefined,
    history: question.history,
  }
  const answer = await lastAnswer(ask(asked, run))
  return { reply: replyOf(answer, explanation, performance.now() - startedAt), degraded: answer.degraded }
}

/** Further attempts when a model did not answer in time, and the pause before the first of them; it doubles each time. */
const retries = 5
const firstPauseMs = 500

/**
 * Figures of a service that lacks a model must not count as those of one that has it. A model that is busy for a moment
 * must not end an evaluation of minutes.
 */
async function undegraded(
  { id }: AnswerQuestion,
  signal: AbortSignal,
  attempt: () => Promise<Attempt>,
): Promise<Reply> {
  for (let made = 0; ; made += 1) {
    const { reply, degraded } = await attempt()
    // What was wrong with the model's text is a result, not a failure that another attempt could avoid.
    if (degraded.every(each => each === 'grounding')) return reply
    if (made === retries)
      throw new Error(
        `question ${id} was answered without ${degraded.join(', ')}; check that the models are reachable, then run the evaluation again`,
      )
    await sleep(firstPauseMs * 2 ** made, undefined, { signal })
  }
}

export interface AskingThere {
  readonly url: string
  readonly key: string | undefined
  readonly collection: string
  readonly language: 'given' | 'detect'
  readonly signal: AbortSignal
}

/** Asks a running service by `POST /ask`, past its caches. There, no threshold can be taken away. */
export function askThere(asking: AskingThere): AskOne {
  let withExplanation = true
  const attempt = async (question: AnswerQuestion): Promise<Attempt> => {
    const body = {
      question: question.text,
      collection: asking.collection,
      mode: 'auto',
      ...(question.history.length === 0 ? {} : { history: question.history.slice(-mostTurns) }),
      ...(asking.language === 'given' && question.language !== undefined ? { language: question.language } : {}),
    }
    const startedAt = performance.now()
    let response = await post(asking, { ...body, include: ['passages', ...(withExplanation ? ['explain'] : [])] })
    // Explanations need a scope, or a request from the service's own machine; without them the curves lack signals.
    if (withExplanation && [401, 403].includes(response.status)) {
      withExplanation = false
      response = await post(asking, { ...body, include: ['passages'] })
    }
    if (!response.ok) throw new Error(`${asking.url}/ask: ${response.status} ${(await response.text()).slice(0, 500)}`)
    const json = (await response.json()) as AskReply & { readonly degraded: readonly string[] }
    return { reply: replyFrom(json, performance.now() - startedAt), degraded: json.degraded }
  }
  return async question => {
    const reply = await undegraded(question, asking.signal, async () => await attempt(question))
    return { question, reply, open: reply.abstained ? null : reply }
  }
}

/** Turns of history that the API takes. */
const mostTurns = 50
const patienceMs = 120_000

/** Waits while the service is busy or limits our rate. */
async function post({ url, key, signal }: AskingThere, body: object): Promise<Response> {
  const until = performance.now() + patienceMs
  for (;;) {
    const response = await fetch(`${url.replace(/\/+$/, '')}/ask`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify(body),
      signal,
    })
    if (![429, 503].includes(response.status) || performance.now() > until) return response
    const seconds = Number(response.headers.get('retry-after') ?? 1)
    await sleep(Math.min(10, Math.max(0.1, seconds)) * 1000, undefined, { signal })
  }
}
