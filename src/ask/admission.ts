import { AskError } from '../errors.ts'
import { Refused, type Limiter, type RefusedBy } from '../resilience/limiter.ts'
import type { SearchResult } from './retrieval/find-passages.ts'
import type { SearchPassages } from './search.ts'
import type { Answer, AskEvent, Outcome, Run } from './terms.ts'
import type { Priority } from '../priority.ts'

/** Before whatever makes an answer anew, or searches; what is remembered passes beside it. */
export interface Admission {
  /** The same events, begun when there is room. Throws `overloaded`, mostly at once, when there will not be soon. */
  events(run: Run, begin: () => AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void>
  search(search: SearchPassages): SearchPassages
  /** Throws what `events` would throw at once now. */
  check(run: Run): void
}

export interface AdmissionCounts {
  /** Of one that had to wait for its turn. */
  waited?(ms: number, outcome: Outcome, run: Run, failure?: AskError): void
  refused(priority: Priority, reason: RefusedBy): void
}

export function createAdmission(limiter: Pick<Limiter, 'enter' | 'refuses'>, counts: AdmissionCounts): Admission {
  async function enter(run: Run) {
    const { priority = 'interactive', signal, deadline } = run
    try {
      const place = await limiter.enter({ priority, signal, deadline })
      if (place.waitedMs !== undefined) counts.waited?.(place.waitedMs, 'ok', run)
      return place
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const failure = told(error, priority)
      if (error.waitedMs > 0) counts.waited?.(error.waitedMs, 'error', run, failure)
      throw failure
    }
  }

  function told(refused: Refused, priority: Priority): AskError {
    counts.refused(priority, refused.reason)
    return overloaded(refused)
  }

  function check({ priority = 'interactive', signal, deadline }: Run): void {
    const refused = limiter.refuses({ priority, signal, deadline })
    if (refused) throw told(refused, priority)
  }

  async function* events(run: Run, begin: () => AsyncIterable<AskEvent>): AsyncGenerator<AskEvent, void> {
    const place = await enter(run)
    let kind: string | null = null
    try {
      for await (const event of begin()) {
        // Before the last event is given: whoever reads may leave it at that.
        if (event.type === 'done') kind = kindOf(event.answer)
        if (event.type === 'done') place.leave(kind)
        yield event
      }
    } finally {
      place.leave(kind)
    }
  }

  function search(find: SearchPassages): SearchPassages {
    return async (question, run, arm) => {
      const place = await enter(run)
      let kind: string | null = null
      try {
        const found = await find(question, run, arm)
        kind = kindOfSearch(found)
        return found
      } finally {
        place.leave(kind)
      }
    }
  }

  return { events, search, check }
}

/** What takes about as long as each other. Null: quotes because the model failed at once say nothing of how long answers take. */
function kindOf({ generator, usage, cache, degraded }: Answer): string | null {
  const isWhole = degraded.every(reason => reason === 'cache')
  return isWhole && cache.status === 'miss' ? `${generator} ${usage.llmCalls}` : null
}

function kindOfSearch({ usage, degraded }: SearchResult): string | null {
  return degraded.length === 0 ? `search ${usage.llmCalls}` : null
}

function overloaded({ reason, afterMs }: Refused): AskError {
  return new AskError('overloaded', { detail: details[reason], retryAfter: afterMs / 1000 })
}

const details: Readonly<Record<RefusedBy, string>> = {
  queue: 'The queue of waiting questions is full; try again later.',
  wait: 'Overloaded: the wait for a free slot would be too long; try again later.',
  time: 'Overloaded: the wait for a free slot would exceed the timeout of this request; try again later, or with a longer timeout.',
  overdue: 'Overloaded: the wait for a free slot took much longer than expected; try again later.',
  evicted: 'Overloaded: an interactive request took the place of this batch request in the queue; try again later.',
}
