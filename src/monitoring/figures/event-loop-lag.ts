import type { ProcessFacts } from '../findings/facts.ts'

const windowMs = 10_000
/** Smaller delays are normal. */
const minLateMs = 200
/** Share of CPU time from which a delay is blamed on the process's own work. */
const busyShare = 0.5

interface Clocks {
  /** In milliseconds. */
  readonly now: () => number
  /** CPU time of the process, in milliseconds. */
  readonly cpuMs: () => number
}

const systemClocks: Clocks = {
  now: () => performance.now(),
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}

/**
 * Measures how late a timer fires that is due every `everyMs`. It is late when the event loop is blocked, or when the
 * process is not scheduled at all.
 */
export function createEventLoopLag(everyMs: number, { now, cpuMs }: Clocks = systemClocks) {
  let last = { at: now(), cpu: cpuMs() }
  let late: { readonly at: number; readonly ms: number; readonly wasBusy: boolean }[] = []

  function beat(): void {
    const at = now()
    const cpu = cpuMs()
    const elapsed = at - last.at
    const ms = elapsed - everyMs
    late = late.filter(each => each.at > at - windowMs)
    if (ms >= minLateMs) late.push({ at, ms, wasBusy: cpu - last.cpu >= busyShare * elapsed })
    last = { at, cpu }
  }

  function worst(): Pick<ProcessFacts, 'lateMs' | 'wasBusy'> {
    const [longest] = late.filter(each => each.at > now() - windowMs).sort((a, b) => b.ms - a.ms)
    return { lateMs: longest?.ms ?? 0, wasBusy: longest?.wasBusy ?? false }
  }

  return { beat, worst }
}
