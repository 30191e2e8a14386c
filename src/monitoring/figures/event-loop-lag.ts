import type { ProcessFacts } from '../findings/facts.ts'

const keptMs = 10_000
/** Timers are late by a little all the time. */
const leastMs = 200
/** Of the time that it was late: more, and it was its own work. */
const busyShare = 0.5

interface Clocks {
  /** Milliseconds. */
  readonly now: () => number
  /** Milliseconds that the process has computed. */
  readonly cpuMs: () => number
}

const systemClocks: Clocks = {
  now: () => performance.now(),
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}

/** How late a timer is that should come every `everyMs`: what blocks the event loop, or keeps the process from running at all. */
export function createEventLoopLag(everyMs: number, { now, cpuMs }: Clocks = systemClocks) {
  let last = { at: now(), cpu: cpuMs() }
  let late: { readonly at: number; readonly ms: number; readonly wasBusy: boolean }[] = []

  function beat(): void {
    const at = now()
    const cpu = cpuMs()
    const elapsed = at - last.at
    const ms = elapsed - everyMs
    late = late.filter(each => each.at > at - keptMs)
    if (ms >= leastMs) late.push({ at, ms, wasBusy: cpu - last.cpu >= busyShare * elapsed })
    last = { at, cpu }
  }

  function worst(): Pick<ProcessFacts, 'lateMs' | 'wasBusy'> {
    const [most] = late.filter(each => each.at > now() - keptMs).sort((a, b) => b.ms - a.ms)
    return { lateMs: most?.ms ?? 0, wasBusy: most?.wasBusy ?? false }
  }

  return { beat, worst }
}
