import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Exchange } from './model/exchange.ts'
import type { Owner } from './server-process.ts'

/** A reranker with the API of Cohere and Jina on a real socket. Its faults are chosen while it runs. */
export interface TestReranker {
  /** URL of the endpoint, for RERANK_URL. */
  readonly url: string
  readonly requests: readonly RerankRequest[]
  /** Number of requests that the client aborted. */
  readonly aborted: number
  behave(behaviour: RerankBehaviour): void
  /** Refuses connections and drops open ones until `start` is called. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface RerankRequest {
  readonly model: string
  readonly query: string
  readonly documents: readonly string[]
  readonly top_n: number
  readonly authorization: string | undefined
  readonly traceparent: string | undefined
}

interface Result {
  readonly index: unknown
  readonly relevance_score: unknown
}

/** `{}` is healthy: a text is scored by how often it has the preferred word, otherwise by its position from the end. */
export interface RerankBehaviour {
  readonly delayMs?: number
  readonly status?: number
  /** Accept the request and never reply. */
  readonly silent?: boolean
  /** Begin the reply and send nothing more. */
  readonly stalled?: boolean
  readonly garbage?: boolean
  /** Reply with this body instead. */
  readonly body?: object
  /** Redirect to this location. */
  readonly location?: string
  /** Changes the correct results. */
  readonly results?: (results: readonly Result[]) => unknown
  /** Preferred word: texts with it come first. */
  readonly likes?: string
}

export async function startReranker(t: Owner): Promise<TestReranker> {
  const requests: RerankRequest[] = []
  const sockets = new Set<Socket>()
  let behaviour: RerankBehaviour = {}
  let aborted = 0
  let server = await listen(0)
  const { port } = server.address() as AddressInfo

  async function listen(at: number): Promise<Server> {
    const listening = createServer((request, reply) => {
      const exchange = new Exchange(request, reply)
      exchange.signal.addEventListener('abort', () => (aborted += 1))
      answer(exchange, reply.flushHeaders.bind(reply)).catch((error: unknown) => {
        if (!exchange.signal.aborted) exchange.fail(400, String(error))
      })
    })
    listening.on('connection', socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    listening.listen(at, '127.0.0.1')
    await once(listening, 'listening')
    return listening
  }

  async function answer(exchange: Exchange, begin: () => void): Promise<void> {
    const body = (await json(exchange.request)) as RerankRequest
    const { authorization, traceparent } = exchange.request.headers
    requests.push({ ...body, authorization, traceparent: traceparent as string | undefined })
    const now = behaviour
    if (now.silent) return
    if (now.stalled) return begin()
    await sleep(now.delayMs ?? 0, undefined, { signal: exchange.signal })
    if (now.location !== undefined) return exchange.json(307, {}, { location: now.location })
    // Some servers repeat the request headers in errors.
    if (now.status !== undefined) return exchange.fail(now.status, `no: ${exchange.request.headers.authorization}`)
    if (now.garbage) return exchange.garbage()
    const results = resultsFor(body, now)
    exchange.json(200, now.body !== undefined ? now.body : { id: 'test', results: now.results?.(results) ?? results })
  }

  async function stop(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  t.teardown(stop)
  return {
    url: `http://127.0.0.1:${port}/v2/rerank`,
    requests,
    get aborted() {
      return aborted
    },
    behave: next => void (behaviour = next),
    stop,
    async start() {
      if (!server.listening) server = await listen(port)
    },
  }
}

/** Results in descending order of score, like those of real rerankers. */
function resultsFor({ documents, top_n }: RerankRequest, { likes }: RerankBehaviour): Result[] {
  const scoreOf = (text: string, place: number) =>
    likes !== undefined && text.includes(likes) ? 0.9 : place / documents.length / 2
  const results = documents.map((text, index) => ({ index, relevance_score: scoreOf(text, index) }))
  return results.sort((a, b) => b.relevance_score - a.relevance_score).slice(0, top_n)
}
