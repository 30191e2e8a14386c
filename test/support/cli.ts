import { spawn, type ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

export interface Finished {
  /** Exit code, or null if a signal ended the process. */
  readonly code: number | null
  readonly stdout: string
  /** Without progress lines, which appear when a load takes longer than five seconds. */
  readonly stderr: string
  // Untyped on purpose: a test reads the JSON that it expects and fails if it is different.
  readonly json: any // eslint-disable-line
}

export interface CliOptions {
  /** The complete environment of the child, apart from PATH. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Arguments for Node itself, before the program. */
  readonly nodeArgs?: readonly string[]
}

export interface Cli {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

/** Runs the command line in a separate process, as for a user. */
export function startCli(args: readonly string[], { env = {}, cwd, nodeArgs = [] }: CliOptions = {}): Cli {
  const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { child, finished: outcomeOf(child) }
}

export async function runCli(args: readonly string[], options?: CliOptions): Promise<Finished> {
  return await startCli(args, options).finished
}

async function outcomeOf(child: ChildProcess): Promise<Finished> {
  const code = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  const [stdout, stderr] = await Promise.all([text(child.stdout!).catch(() => ''), text(child.stderr!)])
  return { code: await code, stdout, stderr: withoutProgress(stderr), json: jsonOf(stdout) }
}

function withoutProgress(stderr: string): string {
  return stderr.replace(/^\d+ % done, .* left\n/gm, '')
}

/** Undefined if the output is not JSON, or is several lines of JSON like a log. */
function jsonOf(stdout: string): any {
  try {
    return stdout.startsWith('{') ? JSON.parse(stdout) : undefined
  } catch {
    return undefined
  }
}
