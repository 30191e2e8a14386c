import cluster from 'node:cluster'
import type { Logger } from 'pino'
import { workerEnvironment } from '../config/config.ts'
import type { PrimaryCalls, WorkerCalls } from './calls.ts'
import { closeUntaken } from './handovers.ts'
import { createLink, type Link } from './link.ts'
import { standardOutput } from '../output.ts'
import { copyLines } from './output.ts'
import type { WorkerEnd } from './restarts.ts'

export interface WorkerProcess {
  readonly link: Link<WorkerCalls>
  /** Passes SIGHUP on. */
  hangUp(): void
  kill(): void
}

export interface WorkerOptions {
  readonly number: number
  /** The number of workers. */
  readonly of: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** What it may call. */
  readonly calls: PrimaryCalls
  readonly onEnd: (how: WorkerEnd) => void
}

/** Call before the first worker starts. `heapMb` is the heap limit of each; null for Node's own. */
export function setUpWorkers(heapMb: number | null): void {
  cluster.schedulingPolicy = cluster.SCHED_RR
  cluster.setupPrimary({
    // Structured clone: faster than JSON for texts within messages.
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [...process.execArgv, ...(heapMb === null ? [] : [`--max-old-space-size=${heapMb}`])],
  })
}

/** Starts this program again as a worker, which gets a share of the connections once it listens. */
export function startWorker({ number, of, env, log, calls, onEnd }: WorkerOptions): WorkerProcess {
  const worker = cluster.fork({ ...env, ...workerEnvironment({ number, of }) })
  const { process: child } = worker
  closeUntaken(child)
  const link = createLink<WorkerCalls>({
    send: message => void (child.connected && child.send(message, () => {})),
    mine: calls,
    onFailed: (err, call) => log.error({ err, call, worker: number }, 'a call from a worker failed'),
  })
  child.on('message', link.receive)
  const copying = child.stdout && copyLines(child.stdout, standardOutput())
  child.once('exit', () => copying?.finish())
  // A message to a worker that has just ended fails; without a listener the error would end this process.
  worker.on('error', (err: Error) => log.warn({ err, worker: number }, 'the channel to a worker failed'))
  // Not 'exit': its last lines may still be in the pipe then.
  child.once('close', (code, signal) => {
    link.close()
    onEnd({ code, signal })
  })
  log.info({ worker: number, pid: child.pid }, 'worker started')
  return { link, hangUp: () => void child.kill('SIGHUP'), kill: () => void child.kill('SIGKILL') }
}
