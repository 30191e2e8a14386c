import { spawn, type ChildProcess } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { runCommandLine } from '../../src/program.ts'

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
  /** The complete environment, apart from PATH. Nothing is calibrated unless it says so, which takes a second, and vectors come first. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

export interface ProcessOptions extends CliOptions {
  /** Arguments for Node itself, before the program. */
  readonly nodeArgs?: readonly string[]
}

export interface Cli {
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

/** A load takes the same course on a busy machine as on a quiet one. */
const usual = { CALIBRATION: 'off', INGEST_WORDS_FIRST_MS: String(24 * 60 * 60 * 1000) }

/** Runs the command line in a separate process, as for a user: for signals, pipes and exit codes. */
export function startCli(args: readonly string[], { env = {}, cwd, nodeArgs = [] }: ProcessOptions = {}): Cli {
  const child = spawn(process.execPath, [...nodeArgs, program, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...usual, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return { child, finished: outcomeOf(child) }
}

/** Runs the command line in a separate process to its end. */
export async function runCliProcess(args: readonly string[], options?: ProcessOptions): Promise<Finished> {
  return await startCli(args, options).finished
}

/**
 * Runs the command line in this process, which takes a tenth of the time. Commands run one after the other, because a
 * process has one working directory.
 */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<Finished> {
  const finished = latest.then(() => runHere(args, options))
  latest = finished.catch(() => {})
  return await finished
}

let latest: Promise<unknown> = Promise.resolve()

async function runHere(args: readonly string[], { env = {}, cwd = process.cwd() }: CliOptions): Promise<Finished> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const host = { env: { PREPARE_WORKERS: '1', ...usual, ...env }, stdout, stderr, exitCode: 0 }
  const before = process.cwd()
  process.chdir(cwd)
  try {
    await runCommandLine(args, host)
  } finally {
    process.chdir(before)
  }
  const output = { stdout: await textOf(stdout), stderr: await textOf(stderr) }
  return { code: host.exitCode, ...output, stderr: withoutProgress(output.stderr), json: jsonOf(output.stdout) }
}

async function textOf(stream: PassThrough): Promise<string> {
  stream.end()
  return await text(stream)
}

async function outcomeOf(child: ChildProcess): Promise<Finished> {
  const code = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject))
  const [stdout, stderr] = await Promise.all([text(child.stdout!).catch(() => ''), text(child.stderr!)])
  return { code: await code, stdout, stderr: withoutProgress(stderr), json: jsonOf(stdout) }
}

function withoutProgress(stderr: string): string {
  return stderr.replace(/^\d+ % done, .*\n/gm, '')
}

/** Undefined if the output is not JSON, or is several lines of JSON like a log. */
function jsonOf(stdout: string): any {
  try {
    return stdout.startsWith('{') ? JSON.parse(stdout) : undefined
  } catch {
    return undefined
  }
}
