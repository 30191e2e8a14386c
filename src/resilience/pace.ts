import { systemClock, type Clock } from './deadline.ts'

/** Runs one step of background work. */
export type Step = <T>(work: () => Promise<T>) => Promise<T>

export interface Pace {
  readonly step: Step
  /** A question was asked: for a while, steps are followed by a pause. */
  questionAsked(): void
}

/** Steps run one right after another again when nobody has asked for this long. */
const quietMs = 1000
/** A pause is this many times as long as the step before it, so background work takes a third of the time. */
const pauseShare = 2
const maxPauseMs = 250

/** Background work runs step after step without pausing, for example in a command that answers no questions. */
export const fullPace: Step = async work => await work()

/**
 * Slows background work down while questions are asked. Each step of it uses a core of the database and part of this
 * process's event loop, so without pauses a large upload delays all questions until it is stored.
 */
export function createPace(clock: Clock = systemClock): Pace {
  let askedAt = -Infinity
  const pause = (ms: number) => new Promise<void>(resolve => clock.setTimeout(resolve, ms))
  return {
    questionAsked() {
      askedAt = clock.now()
    },

    async step(work) {
      const startedAt = clock.now()
      const result = await work()
      const now = clock.now()
      if (now - askedAt < quietMs) await pause(Math.min(maxPauseMs, pauseShare * (now - startedAt)))
      return result
    },
  }
}
