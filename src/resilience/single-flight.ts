import { AskError } from '../errors.ts'

/** One run under way, and what it has given so far. */
interface Flight<Item, Run> {
  readonly items: Item[]
  /** What `begin` gave. */
  run?: Run
  readonly controller: AbortController
  readonly terms: FlightTerms
  /** Settles when there is more: an item, or the end. */
  more: PromiseWithResolvers<void>
  end: { readonly error?: unknown } | null
  travellers: number
}

export interface FlightTerms {
  /** Of the one who asks: leaving ends only their own waiting. */
  readonly signal: AbortSignal
  /** When this one must have an answer, in milliseconds on any clock that all share. */
  readonly deadline: number
}

export interface Joined<Item> {
  readonly item: Item
  /** The run was begun for another. */
  readonly isShared: boolean
}

/** Without this share of their own time left in the run, a latecomer starts one of their own. */
const leastShare = 0.5

/**
 * Equal work in flight is done once. Who comes late gets everything from the first item on. The run has a signal of
 * its own, which aborts when the *last* of them leaves and not when the first does. `begin` is told the terms of the
 * one whose run it is. Only a run that ends before one's own deadline is joined, and not one about to give up: it may
 * fall back on less than there would be time for.
 */
export function createSingleFlight<Item, Run extends AsyncIterable<Item> = AsyncIterable<Item>>(
  now: () => number = () => performance.now(),
) {
  const flights = new Map<string, Flight<Item, Run>>()

  /**
   * The items of the run under this key; `begin` starts it if there is none, `onJoin` is told of one that another began.
   * Throws what the run throws, or the signal's reason.
   */
  async function* join(
    key: string,
    terms: FlightTerms,
    begin: (signal: AbortSignal) => Run,
    onJoin: (run: Run) => void = () => {},
  ): AsyncGenerator<Joined<Item>, void, undefined> {
    const found = flights.get(key)
    const isShared = found !== undefined && canCarry(found.terms, terms)
    const flight = isShared ? found : start(key, terms, begin)
    flight.travellers++
    if (isShared && flight.run) onJoin(flight.run)
    const left = leaving(terms.signal)
    try {
      for (let next = 0; ;) {
        terms.signal.throwIfAborted()
        if (next < flight.items.length) yield { item: flight.items[next++] as Item, isShared }
        else if (flight.end === null) await Promise.race([flight.more.promise, left.promise])
        else if ('error' in flight.end) throw flight.end.error
        else return
      }
    } finally {
      left.stop()
      leave(key, flight, terms.signal)
    }
  }

  function canCarry(theirs: FlightTerms, { deadline }: FlightTerms): boolean {
    return theirs.deadline <= deadline && theirs.deadline - now() >= leastShare * (deadline - now())
  }

  function start(key: string, terms: FlightTerms, begin: (signal: AbortSignal) => Run): Flight<Item, Run> {
    const flight: Flight<Item, Run> = {
      items: [],
      controller: new AbortController(),
      terms,
      more: Promise.withResolvers(),
      end: null,
      travellers: 0,
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
        tell(flight)
      }
      flight.end = {}
    } catch (error) {
      flight.end = { error }
    }
    tell(flight)
  }

  function leave(key: string, flight: Flight<Item, Run>, { aborted, reason }: AbortSignal): void {
    if (--flight.travellers > 0 || flight.end !== null) return
    // Who comes now must not find a run that is being given up.
    remove(key, flight)
    flight.controller.abort(aborted ? reason : new AskError('cancelled'))
  }

  function remove(key: string, flight: Flight<Item, Run>): void {
    if (flights.get(key) === flight) flights.delete(key)
  }

  return { join, has: (key: string) => flights.has(key), size: () => flights.size }
}

function tell(flight: Flight<unknown, unknown>): void {
  const { resolve } = flight.more
  flight.more = Promise.withResolvers()
  resolve()
}

/** A promise that rejects when the signal aborts; `stop` must be called on every way out. */
function leaving(signal: AbortSignal) {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return { promise, stop: () => signal.removeEventListener('abort', onAbort) }
}
