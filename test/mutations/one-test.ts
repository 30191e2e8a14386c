import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How a test file ended. */
export interface TestEnd {
  readonly result: 'passed' | 'failed' | 'crashed'
  /** The test that failed first, how the process ended, or which tests were skipped and why. Empty if all passed. */
  readonly detail: string
}

/** Seconds until a test file that makes no progress counts as failed, by its folder. */
const patience = (file: string): number => (file.startsWith('test/unit/') ? 120 : 900)

/** Runs a test file until its first failure. Rejects when the signal aborts. */
export async function runTest(file: string, folder: string, signal: AbortSignal): Promise<TestEnd> {
  const seconds = patience(file)
  // With CI=true a test fails if its server is missing. That must not look like a caught fault.
  const { CI: _, TAP_CHILD_ID: __, ...env } = process.env
  // A file, because a test that bails out exits before the rest of its output has passed through a pipe.
  const output = join(folder, `${file.replaceAll('/', '-')}.output`)
  const target = openSync(output, 'w')
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    env: { ...env, TAP_TIMEOUT: String(seconds), TAP_BAIL: '1', TAP_REPORTER: 'tap' },
    stdio: ['ignore', target, 'ignore'],
    // The test's own time-out comes first, unless a loop blocks its process.
    timeout: 2 * seconds * 1000,
    killSignal: 'SIGKILL',
    signal,
  })
  closeSync(target)
  const { promise, resolve, reject } = Promise.withResolvers<TestEnd>()
  // After an abort the process must have ended before its folder is removed.
  child.once('error', error => void (signal.aborted || reject(error)))
  child.once('close', (code, killed) => {
    if (signal.aborted) reject(signal.reason as Error)
    else resolve(endOf(readFileSync(output, 'utf8'), killed ?? code))
  })
  return await promise
}

/** `how` is the exit code, or the signal that ended the process. */
export function endOf(output: string, how: number | string | null): TestEnd {
  if (how === 0) return { result: 'passed', detail: skippedIn(output) }
  const failed = failedIn(output)
  if (failed !== null) return { result: 'failed', detail: failed }
  return how === 'SIGKILL'
    ? { result: 'failed', detail: 'it did not end' }
    : { result: 'crashed', detail: `no test ran: it ended with ${how}` }
}

/** The name of the innermost test around the first failed assertion. */
function failedIn(output: string): string | null {
  let name = ''
  for (const line of output.split('\n')) {
    name = /^\s*# Subtest: (.*)/.exec(line)?.[1] ?? name
    const [, message] = /^\s*not ok \d+(?: - (.*))?/.exec(line) ?? []
    if (/^\s*not ok\b/.test(line)) return name || (message ?? '')
  }
  return null
}

function skippedIn(output: string): string {
  const reasons = Array.from(output.matchAll(/^\s*ok \d+ .*# SKIP (.*)$/gm), ([, reason]) => reason?.trim() ?? '')
  return [...new Set(reasons)].join('; ')
}
