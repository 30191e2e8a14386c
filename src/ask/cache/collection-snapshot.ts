import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { startDeadline } from '../../resilience/deadline.ts'
import { withTimeout } from '../../resilience/with-timeout.ts'
import type { AskedCollection } from '../terms.ts'

/**
 * How long what was read of a collection is trusted, in milliseconds. Whoever changes documents waits as long between
 * commit and reply ({@link waitUntilVisible}): so no question that is asked after a write's reply is answered from what was
 * there before, on any replica, whether a message reached it or not, and a question costs no look into the database.
 */
export const trustedMs = 150

/** What a writer does between commit and reply. */
export function waitUntilVisible(): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, trustedMs + 5))
}

/**
 * Longer than this is not waited for where something is known: what is remembered of it may be enough. A database that
 * is only busy must not be taken for one that is away, for then answers from before an edit are given (as `stale`).
 */
const patienceMs = 1500
/** A read that takes longer has failed. */
const readLimitMs = 5000
/** After a failure the next read waits this long. */
const pauseMs = 250
/** A failure of longer ago says nothing of now: while questions come in and reads fail, the last is never so old. */
const failedMs = 2 * (readLimitMs + pauseMs)

export interface CollectionSnapshots {
  /** At once, if what is known can be trusted. */
  fresh(name: string): AskedCollection | undefined
  /** What was known of it last, however old: for guesses only. */
  lastKnown(name: string): AskedCollection | undefined
  /**
   * The collection; null when there is none. Where it cannot be read soon: what was known of it last, `unchecked`;
   * where nothing was, it waits on, and rejects with what the read failed by, or the signal's reason.
   */
  get(name: string, signal: AbortSignal): Promise<AskedCollection | null>
  /** The same, but waits until it is known, or rejects. */
  require(name: string, signal: AbortSignal): Promise<AskedCollection | null>
  /** It changed, or any may have: what is known, or being read, is not trusted any more. */
  invalidate(name?: string): void
}

interface Known {
  readonly collection: AskedCollection
  /** When the read that gave it *began*: it is no older than that. */
  readonly asOf: number
}

interface Reading {
  /** −∞ once what it reads may have changed since. */
  startedAt: number
  readonly result: Promise<AskedCollection | null>
}

export interface SnapshotOptions {
  /** Called when a read shows another history of a collection than the one known: see {@link isOtherHistory}. */
  readonly onOtherHistory?: (collection: AskedCollection, before: AskedCollection) => void
  /** Milliseconds. */
  readonly now?: () => number
}

/**
 * The collections as they are now. While questions come in, one read a collection is under way every trustedMs / 2 or
 * so, however many questions there are; else none. `read` gives null for a collection that is not there.
 */
export function createCollectionSnapshots(
  read: (name: string, signal: AbortSignal) => Promise<AskedCollection | null>,
  { onOtherHistory = () => {}, now = () => performance.now() }: SnapshotOptions = {},
): CollectionSnapshots {
  const known = new Map<string, Known>()
  const readings = new Map<string, Reading>()
  const failures = new Map<string, { readonly error: unknown; readonly at: number }>()

  function peek(name: string): AskedCollection | undefined {
    const last = known.get(name)
    if (last === undefined) return undefined
    const age = now() - last.asOf
    if (age > trustedMs / 2) refresh(name)
    return age <= trustedMs ? last.collection : undefined
  }

  async function find(name: string, signal: AbortSignal): Promise<AskedCollection | null> {
    const trusted = peek(name)
    if (trusted) return trusted
    const last = known.get(name)
    const failed = failures.get(name)
    if (last && failed && now() - failed.at < failedMs) return unchecked(last, failed.error)
    try {
      const read = within(readLimitMs, signal, readSince(name, now() - trustedMs))
      return await (last ? withTimeout(patienceMs, read) : read)
    } catch (error) {
      if (signal.aborted || !last) throw error
      failures.set(name, { error, at: now() })
      return unchecked(last, error)
    }
  }

  async function check(name: string, signal: AbortSignal): Promise<AskedCollection | null> {
    return await within(readLimitMs, signal, readSince(name, now() - trustedMs))
  }

  function unchecked({ collection, asOf }: Known, error: unknown): AskedCollection {
    return { ...collection, unchecked: { error, sinceMs: now() - asOf } }
  }

  /** One at a time: a database that hangs must not be asked again and again. */
  function refresh(name: string): void {
    const failed = failures.get(name)
    if (readings.has(name) || (failed && now() - failed.at < pauseMs)) return
    // No part of the request that came by: it does not wait for it.
    context.with(ROOT_CONTEXT, () => begin(name)).result.catch(() => {})
  }

  /** By a read that began at `oldest` or later. */
  async function readSince(name: string, oldest: number): Promise<AskedCollection | null> {
    const current = readings.get(name)
    if (current && current.startedAt >= oldest) return await current.result
    await current?.result.catch(() => {})
    return await (readings.get(name) ?? begin(name)).result
  }

  function begin(name: string): Reading {
    const startedAt = now()
    const result = within(readLimitMs, never, signal => read(name, signal))
      .then(
        collection => noted(name, reading.startedAt, collection),
        (error: unknown) => {
          if (known.has(name)) failures.set(name, { error, at: now() })
          throw error
        },
      )
      .finally(() => readings.delete(name))
    const reading: Reading = { startedAt, result }
    readings.set(name, reading)
    return reading
  }

  function noted(name: string, asOf: number, collection: AskedCollection | null): AskedCollection | null {
    failures.delete(name)
    const before = known.get(name)?.collection
    if (collection) known.set(name, { collection, asOf })
    else known.delete(name)
    if (collection && before && isOtherHistory(collection, before)) onOtherHistory(collection, before)
    return collection
  }

  function forget(name?: string): void {
    for (const each of name === undefined ? new Set([...known.keys(), ...readings.keys()]) : [name]) {
      const [last, reading] = [known.get(each), readings.get(each)]
      if (last) known.set(each, { ...last, asOf: -Infinity })
      if (reading) reading.startedAt = -Infinity
    }
  }

  return { fresh: peek, lastKnown: name => known.get(name)?.collection, get: find, require: check, invalidate: forget }
}

/** The database was restored, or a standby without the last writes took over: what was known of them never happened. */
function isOtherHistory(collection: AskedCollection, before: AskedCollection): boolean {
  if (collection.id !== before.id) return false // deleted, and made again
  return (
    collection.epoch < before.epoch || (collection.epoch === before.epoch && collection.epochMark !== before.epochMark)
  )
}

const never = new AbortController().signal

/** Bounded work; a promise is only stopped waiting for, a function is told as well. */
async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: Promise<T> | ((signal: AbortSignal) => Promise<T>),
): Promise<T> {
  const limit = startDeadline('the database', ms, signal)
  try {
    limit.signal.throwIfAborted()
    return await Promise.race([typeof work === 'function' ? work(limit.signal) : work, limit.expired])
  } finally {
    limit.stop()
    if (typeof work !== 'function') work.catch(() => {})
  }
}
