import { Redis as Client } from 'ioredis'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { runOwner } from './run.ts'
import {
  freePort,
  guard,
  removeServer,
  serverFolder,
  startServer,
  type Owner,
  type Program,
  type ServerProcess,
} from './server-process.ts'

/** A real Redis for one test. It starts in about 50 ms, so none needs to be shared or flushed. */
export interface Redis extends ServerProcess {
  readonly url: string
  readonly port: number
}

/** Reason for tap's `skip` if a test that needs Redis cannot run, otherwise false. In CI it throws instead. */
export function redisSkipReason(): string | false {
  if (redisProgram() !== undefined) return false
  const reason =
    'no redis-server on this machine: run deploy/install-services.sh (Debian), or set ASKWELL_TEST_REDIS to it'
  if (process.env['CI'] === 'true') throw new Error(reason)
  return reason
}

/** Starts Redis. `settings` are command line arguments: `['--requirepass', 'secret']`. */
export async function startRedis(t?: Owner, settings: readonly string[] = []): Promise<Redis> {
  return await startRedisProgram('redis', t, () => [...withoutFiles, ...settings])
}

const withoutFiles = ['--save', '', '--appendonly', 'no']

/** Starts the Redis program in any mode. `argumentsIn` may first write files into the server's folder. */
export async function startRedisProgram(
  name: string,
  t: Owner | undefined,
  argumentsIn: (folder: string) => readonly string[],
): Promise<Redis> {
  const command = redisProgram()
  if (command === undefined) throw new Error(String(redisSkipReason()))
  const folder = serverFolder(name)
  guard([process.pid, runOwner], folder, 'SIGTERM')
  const port = await freePort()
  const server = await startServer(program(command, argumentsIn(folder), folder, port))
  t?.teardown(() => removeServer(server, folder))
  return Object.assign(server, { url: `redis://127.0.0.1:${port}`, port })
}

/** Runs commands on a connection that is independent of the client under test. */
export async function told<T>(server: Redis, ask: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(server.port, '127.0.0.1')
  try {
    return await ask(client)
  } finally {
    client.disconnect()
  }
}

function redisProgram(): string | undefined {
  const named = process.env['ASKWELL_TEST_REDIS']
  if (named !== undefined) return named
  const onPath = (process.env['PATH'] ?? '').split(delimiter)
  return onPath.map(folder => join(folder, 'redis-server')).find(path => existsSync(path))
}

function program(command: string, args: readonly string[], folder: string, port: number): Program {
  return {
    command,
    args: [...args, '--bind', '127.0.0.1', '--port', String(port), '--dir', folder],
    folder,
    stopSignal: 'SIGTERM',
    isReady: () => accepts(port),
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const say = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => say(true)).once('error', () => say(false))
  })
}
