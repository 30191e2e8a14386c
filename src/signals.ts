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
