import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import type { Document } from '../cache/documents.ts'

/** What the peers have in common: a command line, a corpus, a route. All that is compared is in a file for each. */

export interface Peer {
  /** Once, into an empty database. */
  load(documents: readonly Document[]): Promise<void>
  ask(question: string): Promise<Reply>
  close(): Promise<unknown>
}

export interface Reply {
  readonly answer: string
  /** Sources of the passages, best first. */
  readonly sources: readonly string[]
}

export interface PeerOptions {
  /** A Postgres URL, for the peer alone. */
  readonly database: string
  /** With `/v1`. */
  readonly modelUrl: string
  readonly dimensions: number
  /** Database connections. */
  readonly poolSize: number
}

/** Passages before the model; Askwell's default too. */
export const passages = 5
export const chatModel = 'gpt-4o-mini'
export const embeddingModel = 'text-embedding-3-small'
/** The model server takes any. */
export const apiKey = 'sk-of-no-value'

/** `--port --database --model-url [--dimensions --pool] [--load documents.jsonl]`: loads, serves POST /ask, prints "ready", drains at SIGTERM. */
export async function runPeer(open: (options: PeerOptions) => Promise<Peer>): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      database: { type: 'string' },
      'model-url': { type: 'string' },
      dimensions: { type: 'string', default: '1536' },
      pool: { type: 'string', default: '20' },
      load: { type: 'string' },
    },
  })
  const [database, modelUrl] = [needed(values, 'database'), needed(values, 'model-url')]
  const peer = await open({ database, modelUrl, dimensions: Number(values.dimensions), poolSize: Number(values.pool) })
  if (values.load !== undefined) await peer.load(documentsIn(values.load))
  await serve(peer, Number(needed(values, 'port')))
  console.log('ready')
}

function needed(values: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = values[name]
  if (value === undefined) throw new Error(`--${name} is missing`)
  return value
}

function documentsIn(file: string): Document[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Document)
}

/** Without Fastify's log, which is off unless asked for. */
async function serve(peer: Peer, port: number): Promise<void> {
  const app = Fastify()
  const body = { type: 'object', required: ['question'], properties: { question: { type: 'string', minLength: 1 } } }
  app.get('/readyz', () => ({ status: 'ready' }))
  app.post<{ Body: { question: string } }>('/ask', { schema: { body } }, request => peer.ask(request.body.question))
  app.setErrorHandler((error, _request, reply) => {
    console.error(error)
    void reply.code(500).send({ error: String(error) })
  })
  app.addHook('onClose', async () => void (await peer.close()))
  await app.listen({ port, host: '127.0.0.1' })
  process.once('SIGTERM', () => void app.close().then(() => process.exit(0)))
}
