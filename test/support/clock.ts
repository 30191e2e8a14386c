import type { Clock } from '../../src/resilience/deadline.ts'

export interface ManualClock extends Clock {
  /** Moves time forward and fires the timers that are due, in order. */
  advance(ms: number): void
  /** Number of timers that have neither fired nor been cleared. */
  readonly pending: number
}

/** A clock that only moves when a test advances it. */
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
      const due: [id: number, timer: { at: number; fire: () => void }][] = []
      for (const each of timers) if (each[1].at <= time) due.push(each)
      due.sort(([, a], [, b]) => a.at - b.at)
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
