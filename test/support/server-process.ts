import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

/** What we use of a tap test: whatever a helper starts ends with it. */
export interface Owner {
  teardown(work: () => unknown): unknown
  passing(): boolean
}

/** A real server in the hands of a test. It survives `stop` and `kill`: `start` brings it back at the same address. */
export interface ServerProcess {
  /** Of the running process; a new one after every `start`. */
  readonly pid: number
  start(): Promise<void>
  /** Sends the signal (the program's own for a clean stop if none is given) and waits until it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Deaf, not dead: connections stay open, nothing is answered. */
  freeze(): void
  thaw(): void
  /** As a power cut would. */
  kill(): Promise<void>
}

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  /** The server's own folder, made by {@link serverFolder}; its output goes to `log` there, its pid to `pid`. */
  readonly folder: string
  readonly stopSignal: NodeJS.Signals
  /** Who runs it, when the program refuses root. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined
  readonly isReady: (pid: number) => boolean | Promise<boolean>
}

export function serverFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `askwell-test-${name}-`))
}

/** A port that was free a moment ago. Another process may still take it: then the start fails and says so. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Makes sure that the server and its folder do not outlive any of these processes, however that one ends. */
export function guard(owners: readonly number[], folder: string, signal: NodeJS.Signals): void {
  const script = fileURLToPath(new URL('guard.sh', import.meta.url))
  const args = [script, owners.join(' '), folder, signal.replace('SIG', '')]
  spawn('sh', args, { detached: true, stdio: 'ignore' }).unref()
}

/** Starts the program and returns when it is ready. */
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

/** Ends the server for good, with its data. Safe on a frozen or dead one. */
export async function removeServer(server: ServerProcess, folder: string): Promise<void> {
  if (isAlive(server.pid)) await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

interface Running {
  readonly pid: number
  isAlive(): boolean
  gone(): Promise<void>
}

// Detached and unreferenced: Ctrl-C in the terminal reaches the tests, not the servers (the guard ends those), and
// a test file can finish while the server that it started for the whole run goes on.
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
      child.ref() // or the process would end while it waits for the unreferenced child
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

/** The parent first: frozen, it cannot have children that we missed. */
function signalTree(pid: number, signal: NodeJS.Signals): number[] {
  process.kill(pid, signal)
  const children = processTable()
    .filter(row => row.parent === pid)
    .map(row => row.pid)
  for (const child of children) sendTo(child, signal)
  return [pid, ...children]
}

/** A child may have ended by itself meanwhile. */
function sendTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Not a zombie: in a container nobody may reap orphans, and `kill(pid, 0)` takes those for alive. */
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
