import { AskError } from '../errors.ts'

/** A run in progress and the items it has produced. */
interface Flight<Item, Run> {
  readonly items: Item[]
  run?: Run
  readonly controller: AbortController
  readonly terms: FlightTerms
  /** Resolves when there is another item, or the end. */
  more: PromiseWithResolvers<void>
  end: { readonly error?: unknown } | null
  subscribers: number
}

export interface FlightTerms {
  /** The caller's own signal: aborting it ends only this caller's wait. */
  readonly signal: AbortSignal
  /** When this caller must have its answer, in milliseconds on a clock that all callers share. */
  readonly deadline: number
}

export interface Joined<Item> {
  readonly item: Item
  /** Whether another caller started the run. */
  readonly isShared: boolean
}

/** Deadlines count from the arrival of a request, so equal requests differ by how they were accepted. */
const toleranceMs = 50

/** A caller joins a run only if the run has at least this share of the caller's own time left. */
const leastShare = 0.5

/**
 * Runs equal work once. A caller that joins late gets all items from the first on. The run has its own signal, which
 * aborts when the *last* subscriber leaves. A run is joined only if it ends before the caller's own deadline, or hardly later, and still
 * has enough time: a run that is about to give up may fall back to a worse answer than the caller's time allows.
 */
export function createSingleFlight<Item, Run extends AsyncIterable<Item> = AsyncIterable<Item>>(
  now: () => number = () => performance.now(),
) {
  const flights = new Map<string, Flight<Item, Run>>()

  /**
   * Yields the items of the run under `key`. `begin` starts it if there is none; `onJoin` is called with a run that
   * another caller started. Throws what the run throws, or the signal's reason.
   */
  async function* join(
    key: string,
    terms: FlightTerms,
    begin: (signal: AbortSignal) => Run,
    onJoin: (run: Run) => void = () => {},
  ): AsyncGenerator<Joined<Item>, void, undefined> {
    const existing = flights.get(key)
    const isShared = existing !== undefined && isJoinable(existing.terms, terms)
    const flight = isShared ? existing : start(key, terms, begin)
    flight.subscribers++
    if (isShared && flight.run) onJoin(flight.run)
    const aborted = abortOf(terms.signal)
    try {
      for (let next = 0; ;) {
        terms.signal.throwIfAborted()
        if (next < flight.items.length) yield { item: flight.items[next++] as Item, isShared }
        else if (flight.end === null) await Promise.race([flight.more.promise, aborted.promise])
        else if ('error' in flight.end) throw flight.end.error
        else return
      }
    } finally {
      aborted.stop()
      unsubscribe(key, flight, terms.signal)
    }
  }

  function isJoinable(run: FlightTerms, { deadline }: FlightTerms): boolean {
    return run.deadline <= deadline + toleranceMs && run.deadline - now() >= leastShare * (deadline - now())
  }

  function start(key: string, terms: FlightTerms, begin: (signal: AbortSignal) => Run): Flight<Item, Run> {
    const flight: Flight<Item, Run> = {
      items: [],
      controller: new AbortController(),
      terms,
      more: Promise.withResolvers(),
      end: null,
      subscribers: 0,
    }
    flights.set(key, flight)
    void run(flight, begin).finally(() => remove(key, flight))
    return flight
  }

  async function run(flight: Flight<Item, Run>, begin: (signal: AbortSignal) => Run): Promise<void> {
    try {
      flight.run = begin(flight.controller.signal)
      for await (const item of flight.run) {
        flight.items.push(item)
        notify(flight)
      }
      flight.end = {}
    } catch (error) {
      flight.end = { error }
    }
    notify(flight)
  }

  function unsubscribe(key: string, flight: Flight<Item, Run>, callerSignal: AbortSignal): void {
    if (--flight.subscribers > 0 || flight.end !== null) return
    // A new caller must not join a run that is being aborted.
    remove(key, flight)
    flight.controller.abort(callerSignal.aborted ? callerSignal.reason : new AskError('cancelled'))
  }

  function remove(key: string, flight: Flight<Item, Run>): void {
    if (flights.get(key) === flight) flights.delete(key)
  }

  return { join, has: (key: string) => flights.has(key), size: () => flights.size }
}

function notify(flight: Flight<unknown, unknown>): void {
  const { resolve } = flight.more
  flight.more = Promise.withResolvers()
  resolve()
}

/** A promise that rejects when the signal aborts. Call `stop` on every way out. */
function abortOf(signal: AbortSignal) {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return { promise, stop: () => signal.removeEventListener('abort', onAbort) }
}
