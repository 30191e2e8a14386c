import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { cpuMsOf, otherCores, pinned } from './program.ts'
import type { Served } from './servers.ts'

const execute = promisify(execFile)
const autocannon = createRequire(import.meta.url).resolve('autocannon')

export interface LoadResult {
  readonly perSecond: number
  /** Microseconds of the server's processor a request: neighbours on the machine disturb it less than they disturb speed. */
  readonly cpuUs: number
}

interface Report {
  readonly requests: { readonly total: number }
  readonly duration: number
  readonly errors: number
  readonly timeouts: number
  readonly non2xx: number
}

export interface LoadForm {
  readonly connections?: number
  /** As `cache-control=no-store`. */
  readonly headers?: readonly string[]
}

/** autocannon in a process and on cores of its own: 50 connections, or as many as are said, ask the same over and over. Every reply must be a 200. */
export async function underLoad({ address, program }: Served, body: object, seconds: number, { connections = 50, headers = [] }: LoadForm = {}): Promise<LoadResult> {
  const args = ['-c', String(connections), '-d', String(seconds), '-m', 'POST', '-H', 'content-type=application/json', ...headers.flatMap(header => ['-H', header]), '-b', JSON.stringify(body), '--json', '--no-progress']
  const [command, ...all] = pinned(otherCores, [process.execPath, autocannon, ...args, `${address}/ask`])
  const before = cpuMsOf(program.pid)
  const { stdout } = await execute(command!, all, { maxBuffer: 1e8 })
  const cpuMs = cpuMsOf(program.pid) - before
  const { requests, duration, errors, timeouts, non2xx } = JSON.parse(stdout) as Report
  if (errors + timeouts + non2xx > 0) throw new Error(`${address}: ${errors} errors, ${timeouts} time-outs, ${non2xx} replies that are no 2xx`)
  return { perSecond: requests.total / duration, cpuUs: (cpuMs * 1000) / requests.total }
}
