import { isLaunched } from '../config/config.ts'
import { onStopSignals } from '../signals.ts'
import { exitCodes } from './exit-codes.ts'
import type { Host } from './host.ts'
import { say } from './output.ts'

export interface Interrupt {
  readonly signal: AbortSignal
  /** Stops handling Ctrl-C, so that another part of the program can. */
  release(): void
}

/** Prints `advice` and aborts on the first Ctrl-C or SIGTERM; the second one exits immediately. */
export function interruptible(host: Host, advice: string): Interrupt {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    say(host, `\naskwell: ${advice}`)
    host.exitCode = exitCodes.interrupted
    controller.abort(new Error('interrupted'))
  }
  return { signal: controller.signal, release: onStopSignals(onSignal, { isLaunched: isLaunched(host.env) }) }
}
