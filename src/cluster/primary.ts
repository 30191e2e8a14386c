import type { Logger } from 'pino'
import { isLaunched } from '../config/config.ts'
import { onHangup, onStopSignals, stopOnErrors } from '../signals.ts'
import { createDesk } from './desk.ts'
import { createRestartCounts, createRestarts, type RestartReason, type WorkerEnd } from './restarts.ts'
import { setUpWorkers, startWorker, type WorkerProcess } from './worker-process.ts'

export interface PrimaryOptions {
  readonly workers: number
  /** Heap limit of each worker in MB; null for Node's own. */
  readonly heapMb: number | null
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
}

/** The place of a worker. Its process may be replaced. */
interface Slot {
  readonly number: number
  process: WorkerProcess | undefined
  isReady: boolean
  hasBeenReady: boolean
  readonly restarts: ReturnType<typeof createRestarts>
  pause: NodeJS.Timeout | undefined
}

/**
 * Runs the service in several processes. Opens no port and no database: it passes each new connection to the next
 * worker, starts and stops the workers and replaces those that end. Resolves with the exit code.
 */
export function runPrimary({ heapMb, ...options }: PrimaryOptions): Promise<number> {
  const { log } = options
  const { start, stop, hangUp, kill, ended } = supervise(options)
  let isStopping = false
  function onSignal(): void {
    if (isStopping) {
      kill()
      process.exit(130)
    }
    isStopping = true
    log.info('shutting down: waiting for the workers')
    stop(0)
  }
  async function stopAfterError(): Promise<void> {
    stop(1)
    await ended
  }
  setUpWorkers(heapMb)
  onHangup(hangUp)
  onStopSignals(onSignal, { isLaunched: isLaunched() })
  stopOnErrors({ stop: stopAfterError }, log)
  start()
  return ended
}

/** Starts the workers, the first one alone, and replaces those that end until `stop`. */
function supervise({ workers, env, log }: Omit<PrimaryOptions, 'heapMb'>) {
  const { promise: ended, resolve: end } = Promise.withResolvers<number>()
  const slots = Array.from({ length: workers }, (_, i) => emptySlot(i + 1))
  const [first, ...others] = slots as [Slot, ...Slot[]]
  const desk = createDesk(
    slots.map(({ number }) => number),
    worker => linkOf(slots[worker - 1]),
  )
  const counts = createRestartCounts()
  let waiting: readonly Slot[] = others
  let isStopping = false
  let exitCode = 0

  function launch(slot: Slot): void {
    const { number } = slot
    slot.isReady = false
    slot.process = startWorker({
      number,
      of: workers,
      env,
      log,
      calls: { ...desk.callsOf(number), ready: () => onReady(slot) },
      onEnd: how => onEnd(slot, how),
    })
  }

  function onReady(slot: Slot): void {
    const wereReady = slots.every(({ hasBeenReady }) => hasBeenReady)
    slot.isReady = slot.hasBeenReady = true
    slot.restarts.started()
    // The first one has migrated the database, and would have reported what prevents a start.
    const next = isStopping ? [] : waiting
    waiting = []
    next.forEach(launch)
    if (!wereReady && slots.every(({ hasBeenReady }) => hasBeenReady)) log.info({ workers }, 'all workers are ready')
    tellStatus()
  }

  function onEnd(slot: Slot, how: WorkerEnd): void {
    slot.process = undefined
    slot.isReady = false
    desk.drop(slot.number)
    if (!isStopping && slot.hasBeenReady) return replace(slot, how)
    stop(how.code ?? (isStopping ? 0 : 1))
    endIfAlone()
  }

  function replace(slot: Slot, how: WorkerEnd): void {
    const { reason, pauseMs } = slot.restarts.ended(how)
    counts.add(reason)
    log[reason === 'stopped' ? 'info' : 'error']({ worker: slot.number, ...how, pauseMs }, messages[reason])
    slot.pause = setTimeout(() => launch(slot), pauseMs)
    tellStatus()
  }

  function tellStatus(): void {
    const ready = slots.filter(({ isReady }) => isReady).length
    for (const each of slots) each.process?.link.tell('status', { workers, ready, ...counts.read() })
  }

  /** Ends with the first code that is not 0. */
  function stop(code: number): void {
    exitCode ||= code
    if (isStopping) return
    isStopping = true
    for (const { pause, process } of slots) {
      clearTimeout(pause)
      process?.link.tell('stop')
    }
    endIfAlone()
  }

  function endIfAlone(): void {
    if (slots.every(({ process }) => process === undefined)) end(exitCode)
  }

  const kill = () => slots.forEach(each => each.process?.kill())
  /** Workers read files again on SIGHUP. */
  const hangUp = () => slots.forEach(each => each.isReady && each.process?.hangUp())
  return { start: () => launch(first), stop, hangUp, kill, ended }
}

const messages: Readonly<Record<RestartReason, string>> = {
  killed: 'a worker was killed: starting another; if nobody did it, the kernel ran out of memory',
  failed: 'a worker failed: starting another',
  stopped: 'a worker stopped: starting another',
}

function emptySlot(number: number): Slot {
  return {
    number,
    process: undefined,
    isReady: false,
    hasBeenReady: false,
    restarts: createRestarts(),
    pause: undefined,
  }
}

function linkOf(slot: Slot | undefined): WorkerProcess['link'] | undefined {
  return slot?.isReady ? slot.process?.link : undefined
}
