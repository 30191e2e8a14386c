import type { Logger } from 'pino'
import { isLaunched } from './config/config.ts'
import { AskError } from './errors.ts'

/** What a terminal sends on Ctrl-C, and what everything else that ends a process sends first. */
const names = ['SIGINT', 'SIGTERM'] as const

export interface StopSignalOptions {
  /**
   * A launcher such as npm is the parent. It passes on what it gets, so that Ctrl-C, which a terminal sends to all of its
   * processes, arrives here twice: from the terminal and from the launcher.
   */
  readonly isLaunched: boolean
  /** Milliseconds, of any beginning. */
  readonly now?: () => number
  readonly source?: Pick<NodeJS.EventEmitter, 'on' | 'off'>
}

/** Longer than a launcher takes to pass a signal on, shorter than between two that a person means. */
const echoMs = 500

/** When the last signal was heard, whoever listened: the echo may come when another listens. */
let heardAt = -Infinity

/** Calls `handle` for each signal that means: stop. Returns what ends the listening. */
export function onStopSignals(
  handle: () => void,
  { isLaunched, now = () => performance.now(), source = process }: StopSignalOptions,
): () => void {
  const onSignal = () => {
    const sinceLast = now() - heardAt
    heardAt = now()
    if (!isLaunched || sinceLast >= echoMs) handle()
  }
  for (const name of names) source.on(name, onSignal)
  return () => {
    for (const name of names) source.off(name, onSignal)
  }
}

/** What a signal ends. */
interface Stoppable {
  stop(): Promise<void>
}

/** For what cannot be ended in the middle: a model being read, an embedded database being made. */
const startEndsMs = 1000

/** SIGTERM and SIGINT while it starts: nothing is waited for any more, and the process ends; a second one exits at once. */
export function stopStartOnSignals(log: Logger): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    log.info('stopping while it starts')
    controller.abort(new AskError('draining'))
    setTimeout(() => process.exit(0), startEndsMs).unref()
  }
  return { signal: controller.signal, release: onStopSignals(onSignal, { isLaunched: isLaunched() }) }
}

/** SIGTERM and SIGINT drain; a second one exits at once. What nobody caught is logged, and drains to exit 1. */
export function stopOnSignals(server: Stoppable, log: Logger): void {
  let signals = 0
  let isFailing = false
  const onSignal = () => {
    if (++signals > 1) process.exit(130)
    server.stop().catch((error: unknown) => {
      log.fatal({ err: error }, 'could not stop cleanly')
      process.exit(1)
    })
  }
  // Whose state is unknown must not go on serving; but the other requests have done nothing wrong.
  const onUncaught = (error: unknown) => {
    log.fatal({ err: error }, 'an error that nobody caught: stopping')
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
