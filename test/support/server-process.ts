import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** The part of a tap test that helpers use. Everything that a helper starts ends with the test. */
export interface Owner {
  teardown(work: () => unknown): unknown
  passing(): boolean
}

/** A real server that a test controls. After `stop` or `kill`, `start` restarts it at the same address. */
export interface ServerProcess {
  /** Id of the running process, which is new after every `start`. */
  readonly pid: number
  start(): Promise<void>
  /** Sends the signal (by default the program's own for a clean stop) and waits until the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Suspends the process: connections stay open, but nothing is answered. */
  freeze(): void
  thaw(): void
  /** Ends the process immediately, like a power cut. */
  kill(): Promise<void>
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  /**
   * Folder of the server, from {@link serverFolder}. Its output goes to the file `log` there, its process id to `pid`.
   */
  readonly folder: string
  readonly stopSignal: NodeJS.Signals
  /** Account that runs the program if it refuses to run as root. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  readonly isReady: (pid: number) => boolean | Promise<boolean>
}

export function serverFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `askwell-test-${name}-`))
}

/** A port that was free a moment ago. If another process takes it meanwhile, the start fails with an error. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Ensures that the server and its folder do not outlive any of these processes, however it ends. */
export function guard(owners: readonly number[], folder: string, signal: NodeJS.Signals): void {
  const script = fileURLToPath(new URL('guard.sh', import.meta.url))
  const args = [script, owners.join(' '), folder, signal.replace('SIG', '')]
  spawn('sh', args, { detached: true, stdio: 'ignore' }).unref()
}

/** Starts the program and resolves when it is ready. */
export async function startServer(program: Program): Promise<ServerProcess> {
  let running = await run(program)
  return {
    get pid() {
      return running.pid
    },
    async start() {
      if (running.isAlive()) throw new Error(`${program.command} runs already (pid ${running.pid})`)
      running = await run(program)
    },
    async stop(signal = program.stopSignal) {
      signalTree(running.pid, 'SIGCONT')
      process.kill(running.pid, signal)
      await running.gone()
    },
    freeze: () => void signalTree(running.pid, 'SIGSTOP'),
    thaw: () => void signalTree(running.pid, 'SIGCONT'),
    async kill() {
      const pids = signalTree(running.pid, 'SIGSTOP')
      for (const pid of pids) sendTo(pid, 'SIGKILL')
      await running.gone()
      while (pids.some(isAlive)) await sleep(5)
    },
  }
}

/** Ends the server and removes its data. Safe for a frozen or dead server. */
export async function removeServer(server: ServerProcess, folder: string): Promise<void> {
  if (isAlive(server.pid)) await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

interface Running {
  readonly pid: number
  isAlive(): boolean
  gone(): Promise<void>
}

// Detached and unreferenced, so that Ctrl-C in the terminal reaches the tests but not the servers (the guard ends
// those), and a test file can finish while the server that it started for the whole run continues.
async function run(program: Program): Promise<Running> {
  const log = openSync(join(program.folder, 'log'), 'a')
  const child = spawn(program.command, program.args, {
    cwd: program.folder,
    detached: true,
    stdio: ['ignore', log, log],
    ...program.account,
  })
  closeSync(log)
  child.unref()
  const pid = child.pid
  if (pid === undefined) throw new Error(`cannot run ${program.command}`, { cause: await once(child, 'error') })
  writeFileSync(join(program.folder, 'pid'), String(pid))
  const running = inHand(child, pid)
  await untilReady(program, running)
  return running
}

function inHand(child: ChildProcess, pid: number): Running {
  const isAlive = () => child.exitCode === null && child.signalCode === null
  return {
    pid,
    isAlive,
    async gone() {
      child.ref() // otherwise the process would exit while waiting for the unreferenced child
      if (isAlive()) await once(child, 'exit')
    },
  }
}

async function untilReady(program: Program, running: Running): Promise<void> {
  const { command, folder, isReady } = program
  const sizeOfLog = () => statSync(join(folder, 'log')).size
  const isReadyOrGone = async () => (await isReady(running.pid)) || !running.isAlive()
  await until(`${command} is ready (see ${folder}/log)`, isReadyOrGone, { progress: sizeOfLog })
  if (!running.isAlive()) throw new Error(`${command} did not start:\n${tailOfLog(folder)}`)
}

function tailOfLog(folder: string): string {
  return readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(-15).join('\n')
}

/** Signals the parent first, because a frozen parent cannot start children that we would miss. */
function signalTree(pid: number, signal: NodeJS.Signals): number[] {
  process.kill(pid, signal)
  const children = processTable()
    .filter(row => row.parent === pid)
    .map(row => row.pid)
  for (const child of children) sendTo(child, signal)
  return [pid, ...children]
}

/** Ignores a child that has already ended. */
function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Excludes zombies: in a container orphans may never be reaped, and `kill(pid, 0)` reports them as alive. */
function isAlive(pid: number): boolean {
  return processTable().some(row => row.pid === pid && !row.state.startsWith('Z'))
}

function processTable(): { pid: number; parent: number; state: string }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' })
  return table
    .trim()
    .split('\n')
    .map(line => {
      const [pid, parent, state = ''] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), state }
    })
}
