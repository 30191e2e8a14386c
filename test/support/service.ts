import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adminKey, replyOf, type Reply } from './app.ts'
import { patient } from './patient.ts'
import type { Owner } from './server-process.ts'
import { until } from './until.ts'

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/**
 * `askwell serve` as a separate process, for tests of signals, exit codes, logs and anything that exists per process.
 */
export interface Service {
  readonly pid: number
  /** Log lines so far. */
  readonly log: readonly LogLine[]
  readonly stderr: string
  /** Resolves with the address when the service is ready; rejects if it ends first. */
  ready(): Promise<string>
  signal(name: NodeJS.Signals): void
  /** Resolves when the process has ended. */
  exited(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

// Untyped on purpose: a test reads the fields that it expects and fails if they are different.
export type LogLine = Readonly<Record<string, any>> // eslint-disable-line

/** Starts the service and kills it at the end of the test. `descriptors` limits its open files. */
export function startService(t: Owner, settings: Record<string, string>, descriptors?: number): Service {
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ...patient,
    PORT: '0',
    RATE_LIMIT: '0',
    ADMIN_API_KEY: adminKey,
    ...settings,
  }
  const program = [process.execPath, cli, 'serve']
  const [command = '', ...args] =
    descriptors === undefined ? program : ['sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh', ...program]
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  // Not 'exit', because the last lines may still be in the pipe then.
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const service: Service = {
    pid: child.pid!,
    get log() {
      return stdout
        .slice(0, stdout.lastIndexOf('\n') + 1)
        .split('\n')
        .filter(Boolean)
        .map(line => JSON.parse(line) as LogLine)
    },
    get stderr() {
      return stderr
    },
    async ready() {
      const isReady = (line: LogLine) => line['msg'] === 'ready'
      await until('the service is ready', () => hasEnded || service.log.some(isReady), {
        progress: () => stdout.length + stderr.length,
      })
      const line = service.log.find(isReady)
      if (!line) throw new Error(`the service ended before it was ready:\n${stderr}${stdout}`)
      return String(line['address'])
    },
    signal: name => void child.kill(name),
    exited: () => ended,
  }
  return service
}

/** Creates a folder for an embedded database and removes it when the test ends. */
export function emptyFolder(t: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-service-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Client of a service in another process. `loadHandbook` accepts it like an App. */
export function clientOf(address: string) {
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    return replyOf(
      await fetch(address + path, {
        method,
        headers: { ...type, ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
  }
  return { send, ask: (body: object, headers?: Record<string, string>) => send('POST', '/ask', body, headers) }
}
