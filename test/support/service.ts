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

/** `askwell serve` as a process of its own: for signals, exit codes, logs, and whatever is one per process. */
export interface Service {
  readonly pid: number
  /** Its log so far, a line each. */
  readonly log: readonly LogLine[]
  readonly stderr: string
  /** Resolves with its address when it is ready; rejects when it ends before. */
  ready(): Promise<string>
  signal(name: NodeJS.Signals): void
  /** Resolves when it has ended. */
  exited(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

// A test reads the fields it expects; a wrong guess is a failing test.
export type LogLine = Readonly<Record<string, any>> // eslint-disable-line

/** Starts the service; what is still there when the test ends is killed. `descriptors`: files it may have open. */
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
  // Not 'exit': the last lines may still be in the pipe then.
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

/** A folder for an embedded database; removed when the test ends. */
export function emptyFolder(t: Owner): string {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-service-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The two ways to talk to a service in another process; loadHandbook takes it like an App. */
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
