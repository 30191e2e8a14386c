import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Temper, type Behaviour } from './model/behaviour.ts'
import { chat, type ChatRequest } from './model/chat.ts'
import { embeddings, type EmbeddingsRequest } from './model/embeddings.ts'
import { Exchange } from './model/exchange.ts'
import { runProgram } from './model/program.ts'
import type { Owner } from './server-process.ts'

/**
 * A chat and embedding model that speaks OpenAI's protocol over a real socket, so that tests see real disconnects,
 * stalls and truncated streams. Faults are chosen while it runs: `model.chat.behave({ silent: true })`.
 * `node test/support/model.ts --port 9001` runs it by hand.
 */
export interface Model {
  /** Value for OPENAI_BASE_URL, with `/v1`. */
  readonly url: string
  readonly chat: Endpoint<ChatRequest>
  readonly embeddings: Endpoint<EmbeddingsRequest>
  /** Number of open connections. */
  readonly openSockets: number
  /** Number of requests in progress, neither answered nor aborted. */
  readonly answering: number
  /** Refuses connections and drops open ones until `start` is called. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface Endpoint<Body> {
  behave(behaviour: Behaviour): void
  /** Every request since the start, in order of arrival. */
  readonly requests: readonly Recorded<Body>[]
  /** Number of requests that the client aborted. */
  readonly aborted: number
}

export interface Recorded<Body> {
  readonly body: Body
  readonly headers: IncomingHttpHeaders
  /** Time by `performance.now()`. */
  readonly at: number
  /** Whether the client disconnected before the end. */
  aborted: boolean
}

export interface ModelOptions {
  /** Default: a free port. */
  readonly port?: number
  readonly chat?: Behaviour
  readonly embeddings?: Behaviour
}

export async function startModel(t?: Owner, options: ModelOptions = {}): Promise<Model> {
  const chatting = endpoint<ChatRequest>(chat, options.chat)
  const embedding = endpoint<EmbeddingsRequest>(embeddings, options.embeddings)
  const sockets = new Set<Socket>()
  const exchanges = new Set<Exchange>()
  let server = await listen(route, sockets, options.port ?? 0)
  const { port } = server.address() as AddressInfo

  async function route(exchange: Exchange): Promise<void> {
    exchanges.add(exchange.onClose(() => exchanges.delete(exchange)))
    const path = `${exchange.request.method} ${exchange.request.url}`
    if (path === 'POST /v1/chat/completions') return await chatting.serve(exchange)
    if (path === 'POST /v1/embeddings') return await embedding.serve(exchange)
    if (path === 'GET /v1/models') return exchange.json(200, models)
    exchange.fail(404, `unknown request URL: ${path}`)
  }

  async function stop(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  t?.teardown(stop)
  return {
    url: `http://127.0.0.1:${port}/v1`,
    chat: chatting,
    embeddings: embedding,
    get openSockets() {
      return sockets.size
    },
    get answering() {
      return exchanges.size
    },
    stop,
    async start() {
      if (!server.listening) server = await listen(route, sockets, port)
    },
  }
}

const models = {
  object: 'list',
  data: ['test-chat', 'test-embedding'].map(id => ({ id, object: 'model', created: 0, owned_by: 'askwell' })),
}

type Answer<Body> = (exchange: Exchange, body: Body, behaviour: Behaviour) => void | Promise<void>

/** One kind of request: its records, and the faults that both kinds share. */
function endpoint<Body>(answer: Answer<Body>, behaviour: Behaviour = {}) {
  const temper = new Temper(behaviour)
  const requests: Recorded<Body>[] = []

  async function serve(exchange: Exchange): Promise<void> {
    const recorded = await record<Body>(exchange)
    requests.push(recorded)
    const now = temper.next()
    if (now.silent === true) return
    await temper.room(exchange)
    if (now.heldAfterTokens === undefined) await now.held
    await sleep(now.delayMs ?? 0, undefined, { signal: exchange.signal })
    if (now.status !== undefined) return exchange.fail(now.status, 'as told', retryAfter(now))
    if (now.garbage === true) return exchange.garbage()
    await answer(exchange, recorded.body, now)
  }

  return {
    requests,
    serve,
    behave: (next: Behaviour) => temper.set(next),
    get aborted() {
      return requests.filter(request => request.aborted).length
    },
  }
}

async function record<Body>(exchange: Exchange): Promise<Recorded<Body>> {
  const { headers } = exchange.request
  const at = performance.now()
  const recorded = { body: await bodyOf<Body>(exchange.request), headers, at, aborted: exchange.signal.aborted }
  exchange.signal.addEventListener('abort', () => (recorded.aborted = true))
  return recorded
}

async function bodyOf<Body>(request: IncomingMessage): Promise<Body> {
  return (await json(request)) as Body
}

function retryAfter({ retryAfter: seconds }: Behaviour): Record<string, string> {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}

async function listen(
  route: (exchange: Exchange) => Promise<void>,
  sockets: Set<Socket>,
  port: number,
): Promise<Server> {
  const server = createServer((request, reply) => {
    const exchange = new Exchange(request, reply)
    route(exchange).catch((error: unknown) => {
      // A client that has disconnected needs no reply; many tests do that.
      if (!exchange.signal.aborted && !reply.headersSent) exchange.fail(400, String(error))
    })
  })
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

if (import.meta.main) await runProgram(startModel, process.argv.slice(2))
