import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { weighable } from '../../bench/support/weigh.ts'
import { guard, serverFolder, type Owner } from '../support/server-process.ts'
import { until, waitWith } from '../support/until.ts'
import { descendantsOf, residentMb, type Process } from './processes.ts'

/** Askwell as a process of its own, with as much heap as a small container has. */
export interface Target {
  readonly pid: number
  readonly url: string
  /** All it wrote so far. */
  output(): string
  /** Null while it lives. */
  end(): { readonly code: number | null; readonly signal: NodeJS.Signals | null } | null
  /** As SIGTERM does it; one that does not end is killed, and `end` says so. */
  stop(): Promise<void>
  /** Every process that was seen below it. */
  readonly children: readonly Process[]
  /** The most that was seen in memory, in MB: of the process, and of it with its children. */
  readonly peak: { own: number; all: number }
}

const heapMb = 512

/** `checkout`: the folder of the Askwell that is to be started. */
export async function startTarget(t: Owner, checkout: string, env: Readonly<Record<string, string>>): Promise<Target> {
  const folder = serverFolder('hostile')
  guard([process.pid], folder, 'SIGKILL')
  const log = join(folder, 'log')
  const output = openSync(log, 'a')
  const args = [`--max-old-space-size=${heapMb}`, ...weighable, join(checkout, 'src/cli.ts'), 'serve']
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  writeFileSync(join(folder, 'pid'), String(child.pid))
  const ended = once(child, 'exit')
  const watch = watchTree(child.pid!)
  const end = () =>
    child.exitCode === null && child.signalCode === null ? null : { code: child.exitCode, signal: child.signalCode }
  const target: Target = {
    pid: child.pid!,
    url: `http://127.0.0.1:${env['PORT']}`,
    output: () => readFileSync(log, 'utf8'),
    end,
    async stop() {
      watch.look()
      child.kill('SIGTERM')
      await untilStuck('it has ended', () => end() !== null, { progress: () => target.output().length }).catch(() =>
        child.kill('SIGKILL'),
      )
      await ended
      watch.stop()
    },
    children: watch.children,
    peak: watch.peak,
  }
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    watch.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  const isReady = async () =>
    await fetch(`${target.url}/readyz`).then(
      async reply => (await reply.text(), reply.ok),
      () => false,
    )
  await until('it is ready', isReady, { ended, progress: () => target.output().length }).catch((cause: unknown) => {
    throw new Error(`it is not ready, and said:\n${target.output().slice(-3000)}`, { cause })
  })
  return target
}

/** A minute in which this process could run, and the service said and did nothing. */
const untilStuck = waitWith(600)

const lookMs = 250

function watchTree(pid: number) {
  const children: Process[] = []
  const peak = { own: 0, all: 0 }
  const look = () => {
    const now = descendantsOf(pid)
    const own = residentMb(pid)
    children.push(
      ...now.filter(each => !children.some(known => known.pid === each.pid && known.startedAt === each.startedAt)),
    )
    peak.own = Math.max(peak.own, own)
    peak.all = Math.max(
      peak.all,
      now.reduce((sum, each) => sum + residentMb(each.pid), own),
    )
  }
  const timer = setInterval(look, lookMs)
  return { children, peak, look, stop: () => clearInterval(timer) }
}

/** In MB, after it has thrown away what it can. */
export interface Weight {
  readonly heap: number
  readonly external: number
  readonly rss: number
  /** Of each of its children, as they are. */
  readonly children: readonly number[]
}

/** Null when it has died, or is busy with something that does not end. The signal is of `weighable`. */
export async function weigh(target: Target): Promise<Weight | null> {
  const times = () => target.output().split('\nweighed ').length
  const before = times()
  if (target.end() !== null) return null
  process.kill(target.pid, 'SIGUSR2')
  const isWeighed = await untilStuck('it is weighed', () => times() > before, { ended: target.end }).catch(() => false)
  if (!isWeighed) return null
  const [heap = 0, external = 0, rss = 0] = target
    .output()
    .split('\nweighed ')
    .at(-1)!
    .split('\n')[0]!
    .split(' ')
    .map(bytes => Number(bytes) / 2 ** 20)
  return { heap, external, rss, children: descendantsOf(target.pid).map(({ pid }) => residentMb(pid)) }
}
