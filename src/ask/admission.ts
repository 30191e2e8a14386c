import { AskError } from '../errors.ts'
import type { Events } from '../events.ts'
import { Refused, type Limiter, type RefusedBy } from '../resilience/limiter.ts'
import { withoutStack } from '../resilience/without-stack.ts'
import type { SearchPassages } from './search.ts'
import type { Stages } from './stage.ts'
import type { Answer, AskEvent } from './terms/answer.ts'
import type { SearchResult } from './terms/evidence.ts'
import type { Run } from './terms/run.ts'
import type { Priority } from '../priority.ts'

/** Admission control in front of fresh runs and searches; cached answers do not pass through it. */
export interface Admission {
  /**
   * Starts the run once there is capacity and yields its events. Throws `overloaded`, mostly at once, when there will
   * be none in time. The run that it starts can give its place away while it waits (`away`).
   */
  events(run: Run, start: (run: Run) => AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void>
  search(search: SearchPassages): SearchPassages
  /** What `events` would throw at once if it were called now; counted as a rejection. */
  rejection(terms: AdmissionTerms): AskError | undefined
}

/** What a decision takes into account. */
export type AdmissionTerms = Pick<Run, 'priority' | 'caller' | 'deadline'>

export interface AdmissionParts {
  readonly limiter: Pick<Limiter, 'enter' | 'refuses'>
  /** Whether a language model writes the answers, so that the work here is done when the passages are found. */
  readonly hasModel: boolean
  readonly events: Pick<Events, 'runRefused'>
  /** Records the stage `admit` of each run that had to wait in the queue. */
  readonly record: Stages['record']
}

export function createAdmission({ limiter, hasModel, events: { runRefused }, record }: AdmissionParts): Admission {
  async function enter(run: Run) {
    const { priority = 'interactive', caller, signal, deadline } = run
    try {
      const slot = await limiter.enter({ priority, caller, signal, deadline })
      if (slot.waitedMs !== undefined) record('admit', { ms: slot.waitedMs, outcome: 'ok' }, run)
      return slot
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const failure = rejected(error, priority)
      if (error.waitedMs > 0) record('admit', { ms: error.waitedMs, outcome: 'error', failure }, run)
      throw failure
    }
  }

  function rejected(refused: Refused, priority: Priority): AskError {
    runRefused(priority, refused.reason)
    return overloaded(refused)
  }

  function rejection({ priority = 'interactive', caller, deadline }: AdmissionTerms): AskError | undefined {
    const refused = limiter.refuses({ priority, caller, deadline })
    return refused ? rejected(refused, priority) : undefined
  }

  async function* events(run: Run, start: (run: Run) => AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void> {
    const slot = await enter(run)
    let kind: string | null = null
    try {
      for await (const event of start({ ...run, away: slot.away })) {
        if (event.type === 'passages' && hasModel) slot.finish('passages')
        // Released before the last event is yielded: the consumer may stop reading after it.
        if (event.type === 'done') kind = kindOf(event.answer)
        if (event.type === 'done') slot.leave(kind)
        yield event
      }
    } finally {
      slot.leave(kind)
    }
  }

  function search(find: SearchPassages): SearchPassages {
    return async (question, run, arm) => {
      const slot = await enter(run)
      let kind: string | null = null
      try {
        const found = await find(question, { ...run, away: slot.away }, arm)
        kind = kindOfSearch(found)
        return found
      } finally {
        slot.leave(kind)
      }
    }
  }

  return { events, search, rejection }
}

/**
 * Groups runs that take about equally long. Null when the duration says nothing about normal runs, such as quotes after
 * a model that failed at once.
 */
function kindOf({ generator, usage, cache, degraded }: Answer): string | null {
  const isWhole = degraded.every(reason => reason === 'cache')
  return isWhole && cache.status === 'miss' ? `${generator} ${usage.llmCalls}` : null
}

function kindOfSearch({ usage, degraded }: SearchResult): string | null {
  return degraded.length === 0 ? `search ${usage.llmCalls}` : null
}

function overloaded({ reason, afterMs }: Refused): AskError {
  return withoutStack(() => new AskError('overloaded', { detail: details[reason], retryAfter: afterMs / 1000 }))
}

const details: Readonly<Record<RefusedBy, string>> = {
  queue: 'The queue of waiting questions is full; try again later.',
  wait: 'Overloaded: the wait for a free slot would be too long; try again later.',
  time: 'Overloaded: the answer would come after the timeout of this request; try again later, or with a longer timeout.',
  overdue: 'Overloaded: the wait for a free slot took much longer than expected; try again later.',
  evicted: 'Overloaded: the queue is full, and another request took the place of this one; try again later.',
}
