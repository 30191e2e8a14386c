import { isatty } from 'node:tty'
import type { Logger } from 'pino'
import { isLaunched } from './config/config.ts'
import { AskError } from './errors.ts'

/** In a terminal, SIGHUP says that it was closed. Anywhere else, operators send it to have files read again. */
const hangupStops = isatty(0)

/** A terminal sends SIGINT on Ctrl-C; process managers send SIGTERM first. */
const signalNames = hangupStops ? (['SIGINT', 'SIGTERM', 'SIGHUP'] as const) : (['SIGINT', 'SIGTERM'] as const)

/** Calls `handle` for each SIGHUP that is no stop signal. Returns a function that removes the listener. */
export function onHangup(handle: () => void): () => void {
  if (hangupStops) return () => {}
  process.on('SIGHUP', handle)
  return () => void process.off('SIGHUP', handle)
}

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
  const onSignal = () => {
    if (++signals > 1) process.exit(130)
    stopOrExit(server, log)
  }
  onStopSignals(onSignal, { isLaunched: isLaunched() })
  stopOnErrors(server, log)
}

/** Drains; exits with 1 if that fails. */
export function stopOrExit(server: Stoppable, log: Logger): void {
  server.stop().catch((error: unknown) => {
    log.fatal({ err: error }, 'clean shutdown failed: exiting')
    process.exit(1)
  })
}

/** Drains after an uncaught error, and exits with 1. */
export function stopOnErrors(server: Stoppable, log: Logger): void {
  let isFailing = false
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
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUncaught)
}

/**
 * Stop requests to a worker: from its primary, or by a signal to it alone. A terminal and a service manager signal all
 * processes at once, so a request that follows another changes nothing.
 */
export function watchWorkerStop(log: Logger): { readonly signal: AbortSignal; stop(): void; started(): void } {
  const controller = new AbortController()
  let isStarting = true
  let exit: NodeJS.Timeout | undefined
  const stop = () => {
    if (controller.signal.aborted) return
    controller.abort(new AskError('draining'))
    if (!isStarting) return
    log.info('shutting down during startup')
    exit = setTimeout(() => process.exit(0), startupGraceMs).unref()
  }
  const started = () => {
    isStarting = false
    clearTimeout(exit)
  }
  for (const name of signalNames) process.on(name, stop)
  return { signal: controller.signal, stop, started }
}
