import type { Clock } from '../../src/resilience/deadline.ts'

export interface ManualClock extends Clock {
  /** Moves time forward and fires what is due, in order. */
  advance(ms: number): void
  /** Timers not yet fired nor cleared. */
  readonly pending: number
}

/** Time that passes only when a test says so. */
export function manualClock(): ManualClock {
  let time = 0
  const timers = new Map<number, { at: number; fire: () => void }>()
  let next = 1
  return {
    now: () => time,
    setTimeout(fire, ms) {
      timers.set(next, { at: time + ms, fire })
      return next++
    },
    clearTimeout: (timer: never) => void timers.delete(timer),
    advance(ms) {
      time += ms
      const due = [...timers].filter(([, timer]) => timer.at <= time).sort(([, a], [, b]) => a.at - b.at)
      for (const [id, { fire }] of due) {
        timers.delete(id)
        fire()
      }
    },
    get pending() {
      return timers.size
    },
  }
}
