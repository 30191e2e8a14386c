import type { Logger } from 'pino'
import { isLaunched } from './config/config.ts'
import { AskError } from './errors.ts'

/** A terminal sends SIGINT on Ctrl-C; process managers send SIGTERM first. */
const signalNames = ['SIGINT', 'SIGTERM'] as const

export interface StopSignalOptions {
  /**
   * True if the parent is a launcher such as npm. A launcher forwards signals, so Ctrl-C arrives here twice: from the
   * terminal, which sends it to all its processes, and from the launcher.
   */
  readonly isLaunched: boolean
  /** Clock in milliseconds, with any starting point. */
  readonly now?: () => number
  readonly source?: Pick<NodeJS.EventEmitter, 'on' | 'off'>
}

/** Longer than a launcher takes to forward a signal, shorter than the pause before a person presses Ctrl-C again. */
const echoMs = 500

/** Time of the last signal, shared by all listeners: the echo may reach a different listener. */
let lastSignalAt = -Infinity

/** Calls `handle` for each stop signal. Returns a function that removes the listeners. */
export function onStopSignals(
  handle: () => void,
  { isLaunched, now = () => performance.now(), source = process }: StopSignalOptions,
): () => void {
  const onSignal = () => {
    const sinceLast = now() - lastSignalAt
    lastSignalAt = now()
    if (!isLaunched || sinceLast >= echoMs) handle()
  }
  for (const name of signalNames) source.on(name, onSignal)
  return () => {
    for (const name of signalNames) source.off(name, onSignal)
  }
}

interface Stoppable {
  stop(): Promise<void>
}

/** Time for steps of startup that cannot be interrupted: loading a model, creating the embedded database. */
const startupGraceMs = 1000

/**
 * Aborts startup on SIGTERM or SIGINT and ends the process. A second signal exits immediately. Call `release` when the
 * start has ended by itself.
 */
export function stopStartOnSignals(log: Logger): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  let exit: NodeJS.Timeout | undefined
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    log.info('shutting down during startup')
    controller.abort(new AskError('draining'))
    exit = setTimeout(() => process.exit(0), startupGraceMs).unref()
  }
  const off = onStopSignals(onSignal, { isLaunched: isLaunched() })
  const release = () => {
    off()
    clearTimeout(exit)
  }
  return { signal: controller.signal, release }
}

/**
 * Drains on SIGTERM and SIGINT; a second signal exits immediately. After an uncaught error, drains and exits with 1.
 */
export function stopOnSignals(server: Stoppable, log: Logger): void {
  let signals = 0
  let isFailing = false
  const onSignal = () => {
    if (++signals > 1) process.exit(130)
    server.stop().catch((error: unknown) => {
      log.fatal({ err: error }, 'clean shutdown failed: exiting')
      process.exit(1)
    })
  }
  // A process in an unknown state must stop serving, but the other requests may still finish.
  const onUncaught = (error: unknown) => {
    log.fatal({ err: error }, 'uncaught error: shutting down')
    if (isFailing) return
    isFailing = true
    void server
      .stop()
      .catch(() => {})
      .then(() => process.exit(1))
  }
  onStopSignals(onSignal, { isLaunched: isLaunched() })
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
}
