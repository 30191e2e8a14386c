import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from '../../test/support/server-process.ts'
import { until } from '../../test/support/until.ts'

/** A Node program as a process of its own: what is measured shares no event loop with what measures it. */
export interface Program {
  readonly pid: number
  /** All it wrote so far. */
  output(): string
  hasEnded(): boolean
  end(): Promise<void>
}

/** The measured process has the first core for itself, as a container with one CPU has; all else is on the others. */
export const measuredCore = '0'
export const otherCores = cpus().length === 1 ? '0' : `1-${cpus().length - 1}`

export const hasTaskset = existsSync('/usr/bin/taskset')

export interface ProgramOptions {
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cores: string
}

/** Starts it with its output in a file, as a service's log is; ended with its owner. */
export function startProgram(t: Owner, { args, env = {}, cores }: ProgramOptions): Program {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-cache-'))
  const file = join(folder, 'output')
  const output = openSync(file, 'a')
  const [command, ...all] = pinned(cores, [process.execPath, ...args])
  const child = spawn(command!, all, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const ended = once(child, 'exit')
  const program: Program = {
    pid: child.pid!,
    output: () => readFileSync(file, 'utf8'),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async end() {
      child.kill('SIGTERM')
      await ended
    },
  }
  t.teardown(async () => {
    if (!program.hasEnded()) await program.end()
    rmSync(folder, { recursive: true })
  })
  void ended.then(([code]) => {
    if (code) console.error(`${args.join(' ')} ended with code ${code}:\n${program.output().slice(-2000)}`)
  })
  return program
}

/** Waits until it answers there, whatever it says but 503; a service whose log is silent cannot say that it is ready. */
export async function untilServing(program: Program, address: string): Promise<void> {
  const serves = () =>
    fetch(address).then(
      async reply => (await reply.text(), reply.status !== 503),
      () => false,
    )
  await until(`${address} answers`, serves, { ended: program.hasEnded, progress: () => program.output().length }).catch(
    (cause: unknown) => {
      throw new Error(`it does not serve, and said:\n${program.output().slice(-2000)}`, { cause })
    },
  )
}

/** Without taskset (not Linux) the processes find their cores themselves. */
export function pinned(cores: string, command: readonly string[]): readonly string[] {
  return hasTaskset ? ['/usr/bin/taskset', '-c', cores, ...command] : command
}

const tickMs = 10

/** Milliseconds of processor time since its start; NaN on systems without /proc. */
export function cpuMsOf(pid: number): number {
  if (!existsSync(`/proc/${pid}/stat`)) return NaN
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  return (Number(afterName[11]) + Number(afterName[12])) * tickMs
}

/** Bytes in memory now; NaN on systems without /proc. */
export function residentBytesOf(pid: number): number {
  if (!existsSync(`/proc/${pid}/statm`)) return NaN
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
}
