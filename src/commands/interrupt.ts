import { exitCodes } from './exit-codes.ts'

/** Aborts on the first Ctrl-C or SIGTERM, saying `advice`; the second one exits at once. */
export function interruptSignal(advice: string): AbortSignal {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    process.stderr.write(`\naskwell: ${advice}\n`)
    process.exitCode = exitCodes.interrupted
    controller.abort(new Error('interrupted'))
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return controller.signal
}
