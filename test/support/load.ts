import { request, type IncomingMessage } from 'node:http'
import { contractFaults } from './contract.ts'
import { sseEvents } from './sse.ts'

/**
 * Sends questions at a fixed rate, however long the answers take, because many independent users do not wait for one
 * another. Every second question has been asked before, and every third is streamed. Each has its own connection and is
 * not retried.
 */

/**
 * Outcome of a question. `late` is a 504, `broken` a stream that ended with an error event, `failed` anything
 * forbidden.
 */
export type Outcome = 'well' | 'degraded' | 'refused' | 'late' | 'broken' | 'failed'

export interface Asked {
  /** Time when it was sent, by `performance.now()`. */
  readonly at: number
  readonly isKnown: boolean
  readonly isStreamed: boolean
  readonly status: number | null
  /** Code of the problem, or null if there was none. */
  readonly code: string | null
  readonly degraded: readonly string[]
  readonly cache: string | null
  readonly ms: number
  /** Milliseconds by stage, and `total`, as the service reports them. */
  readonly timings?: Readonly<Record<string, number>>
  readonly outcome: Outcome
  /** Reason of a failure. */
  readonly why: string
}

export interface LoadOptions {
  readonly url: string
  readonly perSecond: number
  /** Questions with cached answers. */
  readonly known: readonly string[]
  /** Returns a question that has not been asked before. */
  readonly fresh: (count: number) => string
  /** `timeout_ms` of each question. */
  readonly timeoutMs: number
  /** Whether an answer of the model is complete. */
  readonly isWhole: (answer: string) => boolean
  /** Headers of each request, such as a key. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Load {
  /** Questions that have ended, in the order of their ends. */
  readonly asked: readonly Asked[]
  /** Send times of the questions in progress. */
  readonly underWay: ReadonlySet<number>
  pause(): void
  resume(): void
  /** Stops sending and waits for the questions in progress. */
  stop(): Promise<void>
}

/** A question without a reply after this time counts as hung. */
const hangMs = 120_000

export function startLoad(options: LoadOptions): Load {
  const asked: Asked[] = []
  const underWay = new Set<number>()
  const running = new Set<Promise<void>>()
  let sent = 0
  let isPaused = false
  let due = performance.now()

  async function one(count: number): Promise<void> {
    const at = performance.now()
    underWay.add(at)
    asked.push(await askOnce(at, count, options))
    underWay.delete(at)
  }

  const timer = setInterval(() => {
    for (; due <= performance.now(); due += 1000 / options.perSecond) {
      if (isPaused) continue
      const asking = one(sent++)
      running.add(asking)
      void asking.finally(() => running.delete(asking))
    }
  }, 5)

  return {
    asked,
    underWay,
    pause: () => void (isPaused = true),
    resume: () => void (isPaused = false),
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
    },
  }
}

async function askOnce(at: number, count: number, options: LoadOptions): Promise<Asked> {
  const isKnown = count % 2 === 0
  const isStreamed = count % 3 === 0
  const question = isKnown ? options.known[(count / 2) % options.known.length] : options.fresh(count)
  const form = { at, isKnown, isStreamed }
  try {
    const got = await post(options, { question, timeout_ms: options.timeoutMs, ...(isStreamed && { stream: true }) })
    return { ...form, ms: performance.now() - at, ...judge(got, options) }
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? (error as Error).message
    return {
      ...form,
      ms: performance.now() - at,
      status: null,
      code: null,
      degraded: [],
      cache: null,
      outcome: 'failed',
      why,
    }
  }
}

interface Got {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Rejects if the connection is refused or breaks, or if the reply does not end. */
async function post({ url, headers }: LoadOptions, body: object): Promise<Got> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(
      `${url}/ask`,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } },
      reply => {
        let text = ''
        reply.setEncoding('utf8').on('data', (piece: string) => (text += piece))
        reply.once('end', () =>
          settle(() => resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: text })),
        )
        reply.once('error', error => settle(() => reject(error)))
      },
    )
    const hung = setTimeout(() => outgoing.destroy(new Error('it hangs')), hangMs)
    const settle = (how: () => void) => {
      clearTimeout(hung)
      how()
    }
    outgoing.once('error', error => settle(() => reject(error)))
    outgoing.end(JSON.stringify(body))
  })
}

type Judged = Pick<Asked, 'status' | 'code' | 'degraded' | 'cache' | 'timings' | 'outcome' | 'why'>

function judge(got: Got, { isWhole }: LoadOptions): Judged {
  const { status, headers, body } = got
  const faults = contractFaults({ method: 'POST', path: '/ask', ...got })
  const bare = { status, code: null, degraded: [], cache: null }
  if (faults.length > 0) return { ...bare, outcome: 'failed', why: faults.join('; ').slice(0, 500) }
  const isStream = String(headers['content-type']).startsWith('text/event-stream')
  const events = isStream ? sseEvents(body) : []
  const last = isStream ? events.at(-1)!.data : JSON.parse(body)
  if (events.at(-1)?.event === 'error')
    return { ...bare, code: last.code, ...brokenOff(events.map(({ event }) => event)) }
  if (status !== 200) return { ...bare, code: last.code, ...refusal(got, last.code) }
  const { degraded, cache, generator, answer, timings_ms: timings } = last
  const known = { ...bare, degraded, cache: cache.status, timings }
  if (generator !== 'extractive' && generator !== 'none' && !isWhole(answer))
    return { ...known, outcome: 'failed', why: `half an answer as if it were whole: ${answer}` }
  return { ...known, outcome: degraded.length > 0 ? 'degraded' : 'well', why: '' }
}

/** A client that has received part of an answer must also have received its passages. */
function brokenOff(events: readonly string[]): Pick<Asked, 'outcome' | 'why'> {
  const lacks = events.includes('delta') && !events.includes('passages')
  return lacks ? { outcome: 'failed', why: 'a stream broke off without its passages' } : { outcome: 'broken', why: '' }
}

function refusal({ status, headers }: Got, code: string): Pick<Asked, 'outcome' | 'why'> {
  if ((status === 503 || status === 429) && headers['retry-after'] !== undefined) return { outcome: 'refused', why: '' }
  if (status === 504) return { outcome: 'late', why: '' }
  return { outcome: 'failed', why: `${status} ${code}` }
}
