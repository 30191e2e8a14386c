import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { childrenOf } from './processes.ts'
import type { Owner } from './server-process.ts'
import { clientOf, startService, type LogLine, type Service } from './service.ts'
import { until } from './until.ts'

/** `askwell serve` with several workers. */
export interface WorkerService extends Service {
  readonly url: string
  send: ReturnType<typeof clientOf>['send']
  /** Ids of the worker processes. */
  pids(): number[]
  /** A connection to each worker, by its number. */
  connections(): Promise<ReadonlyMap<number, Connection>>
  linesOf(worker: number): LogLine[]
}

export interface ConnectionReply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  // Untyped on purpose: a test reads the JSON that it expects and fails if it is different.
  readonly json: any // eslint-disable-line
}

/** A client with a single connection, which stays with one worker. */
export interface Connection {
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<ConnectionReply>
  ask(body: object, headers?: Record<string, string>): Promise<ConnectionReply>
}

export async function startWorkers(t: Owner, count: number, settings: Record<string, string>): Promise<WorkerService> {
  const service = startService(t, { WORKERS: String(count), ...settings })
  const url = await service.ready()
  const isReady = () => service.log.some(({ msg }) => msg === 'all workers are ready')
  await until('all workers are ready', isReady, { ended: service.exited(), progress: () => service.log.length })
  const linesOf = (worker: number) => service.log.filter(line => line['worker'] === worker)

  async function workerOf(connection: Connection): Promise<number> {
    const { headers } = await connection.send('GET', '/nothing-is-here')
    const id = headers['x-request-id']
    const line = await until('the request is logged', () => service.log.find(each => each['reqId'] === id))
    return Number(line['worker'])
  }

  async function connections(): Promise<ReadonlyMap<number, Connection>> {
    const found = new Map<number, Connection>()
    await until('every worker has a connection', async () => {
      const connection = connect(t, url)
      const worker = await workerOf(connection)
      if (!found.has(worker)) found.set(worker, connection)
      return found.size === count
    })
    return found
  }

  // Not spread, because `log` and `stderr` are getters.
  return Object.assign(Object.create(service) as Service, {
    url,
    send: clientOf(url).send,
    pids: () => childrenOf(service.pid),
    connections,
    linesOf,
  })
}

function connect(t: Owner, url: string): Connection {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  async function send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ConnectionReply> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const outgoing = request(url + path, { method, agent, headers: { ...type, ...headers } })
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
    const content = await text(reply)
    return { status: reply.statusCode ?? 0, headers: reply.headers, json: content === '' ? null : JSON.parse(content) }
  }
  return { send, ask: (body, headers) => send('POST', '/ask', body, headers) }
}
