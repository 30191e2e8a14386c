import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { silent, type Events } from '../../events.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import { withTimeout } from '../../resilience/with-timeout.ts'
import type { AskedCollection } from '../terms/collection.ts'

/**
 * How long a snapshot of a collection is trusted, in milliseconds. A writer waits that long between commit and reply
 * ({@link waitUntilVisible}). So on every replica, with or without a notification, a question asked after that reply
 * sees the new documents, and no question has to read the database.
 */
export const trustedMs = 150

/** Await this between commit and reply of a write. */
export function waitUntilVisible(): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, trustedMs + 5))
}

/**
 * Beyond this wait a known snapshot is used unchecked, since a cached answer may be enough. It is long because a
 * database that is only busy must not be taken for one that is down: answers from before an edit are then served (as
 * `stale`).
 */
const waitLimitMs = 1500
/** A read that takes longer counts as failed. */
const readLimitMs = 5000
/** Pause between a failed read and the next one. */
const pauseMs = 250
/**
 * An older failure says nothing about now. While questions come in and reads fail, the last failure is never this old.
 */
const failedMs = 2 * (readLimitMs + pauseMs)

export interface CollectionSnapshots {
  /** The snapshot synchronously, if it can still be trusted. */
  fresh(name: string): AskedCollection | undefined
  /** The last snapshot, however old: for guesses only. */
  lastKnown(name: string): AskedCollection | undefined
  /**
   * The collection; null when there is none. When it cannot be read soon, returns the last snapshot as `unchecked`.
   * Without a snapshot it keeps waiting, and rejects with the failure of the read or the signal's reason.
   */
  get(name: string, signal: AbortSignal): Promise<AskedCollection | null>
  /** Like `get`, but waits for a fresh read, or rejects. */
  require(name: string, signal: AbortSignal): Promise<AskedCollection | null>
  /**
   * The collection, or any of them, has changed: snapshots, and reads under way, are no longer trusted, and not used
   * unchecked either.
   */
  invalidate(name?: string): void
  /**
   * Changes may have been missed. Nothing known is trusted before it is read again; where it cannot be read, it is as
   * good as before.
   */
  doubt(): void
}

interface Snapshot {
  readonly collection: AskedCollection
  /** When the read that produced it *started*: the snapshot is no older than that. −∞ once it has changed. */
  readonly asOf: number
  /** Must be read again, however young it is. */
  readonly isDoubtful: boolean
}

interface PendingRead {
  /** −∞ once the collection may have changed during the read. */
  startedAt: number
  /** Changes may have been missed during the read. */
  isDoubtful: boolean
  readonly result: Promise<AskedCollection | null>
}

export interface SnapshotOptions {
  /** `historyLost`: a read shows another history of a collection than the known one; see {@link isOtherHistory}. */
  readonly events?: Pick<Events, 'historyLost'>
  /** Milliseconds. */
  readonly now?: () => number
}

/**
 * Current snapshots of the collections. While questions come in, one read per collection is under way about every
 * trustedMs / 2, however many questions there are; otherwise none. `read` returns null for a collection that does not
 * exist.
 */
export function createCollectionSnapshots(
  read: (name: string, signal: AbortSignal) => Promise<AskedCollection | null>,
  { events = silent, now = () => performance.now() }: SnapshotOptions = {},
): CollectionSnapshots {
  const snapshots = new Map<string, Snapshot>()
  const pendingReads = new Map<string, PendingRead>()
  const failures = new Map<string, { readonly error: unknown; readonly at: number }>()

  function fresh(name: string): AskedCollection | undefined {
    const last = snapshots.get(name)
    if (last === undefined) return undefined
    const age = last.isDoubtful ? Infinity : now() - last.asOf
    if (age > trustedMs / 2) refresh(name)
    return age <= trustedMs ? last.collection : undefined
  }

  async function get(name: string, signal: AbortSignal): Promise<AskedCollection | null> {
    const trusted = fresh(name)
    if (trusted) return trusted
    const last = snapshots.get(name)
    const failed = failures.get(name)
    if (last && failed && now() - failed.at < failedMs) return unchecked(last, failed.error, now())
    try {
      const read = within(readLimitMs, signal, readSince(name, now() - trustedMs))
      return await (last ? withTimeout(waitLimitMs, read) : read)
    } catch (error) {
      if (signal.aborted || !last) throw error
      failures.set(name, { error, at: now() })
      return unchecked(last, error, now())
    }
  }

  async function requireFresh(name: string, signal: AbortSignal): Promise<AskedCollection | null> {
    return await within(readLimitMs, signal, readSince(name, now() - trustedMs))
  }

  /** One read at a time: a database that hangs must not be asked again and again. */
  function refresh(name: string): void {
    const failed = failures.get(name)
    if (pendingReads.has(name) || (failed && now() - failed.at < pauseMs)) return
    // Outside the context of the request that triggered it, which does not wait for it.
    context.with(ROOT_CONTEXT, () => startRead(name)).result.catch(() => {})
  }

  /** Returns the result of a read that started at `oldest` or later. */
  async function readSince(name: string, oldest: number): Promise<AskedCollection | null> {
    const current = pendingReads.get(name)
    if (current && !current.isDoubtful && current.startedAt >= oldest) return await current.result
    await current?.result.catch(() => {})
    return await (pendingReads.get(name) ?? startRead(name)).result
  }

  function startRead(name: string): PendingRead {
    const startedAt = now()
    const result = within(readLimitMs, never, signal => read(name, signal))
      .then(
        collection => record(name, pendingRead, collection),
        (error: unknown) => {
          if (snapshots.has(name)) failures.set(name, { error, at: now() })
          throw error
        },
      )
      .finally(() => pendingReads.delete(name))
    const pendingRead: PendingRead = { startedAt, isDoubtful: false, result }
    pendingReads.set(name, pendingRead)
    return pendingRead
  }

  function record(name: string, read: PendingRead, collection: AskedCollection | null): AskedCollection | null {
    failures.delete(name)
    const before = snapshots.get(name)?.collection
    if (collection) snapshots.set(name, { collection, asOf: read.startedAt, isDoubtful: read.isDoubtful })
    else snapshots.delete(name)
    if (collection && before && isOtherHistory(collection, before)) events.historyLost(collection, before)
    return collection
  }

  function invalidate(name?: string): void {
    for (const each of name === undefined ? new Set([...snapshots.keys(), ...pendingReads.keys()]) : [name]) {
      const [last, pendingRead] = [snapshots.get(each), pendingReads.get(each)]
      if (last) snapshots.set(each, { ...last, asOf: -Infinity })
      if (pendingRead) pendingRead.startedAt = -Infinity
    }
  }

  function doubt(): void {
    for (const [name, last] of snapshots) snapshots.set(name, { ...last, isDoubtful: true })
    for (const pendingRead of pendingReads.values()) pendingRead.isDoubtful = true
  }

  return { fresh, lastKnown: name => snapshots.get(name)?.collection, get, require: requireFresh, invalidate, doubt }
}

function unchecked({ collection, asOf }: Snapshot, error: unknown, now: number): AskedCollection {
  return { ...collection, unchecked: { error, sinceMs: now - asOf } }
}

/**
 * True when the database was restored, or a standby without the last writes took over: what was known never happened.
 */
function isOtherHistory(collection: AskedCollection, before: AskedCollection): boolean {
  if (collection.id !== before.id) return false // deleted and created again
  return (
    collection.epoch < before.epoch || (collection.epoch === before.epoch && collection.epochMark !== before.epochMark)
  )
}

const never = new AbortController().signal

/** Bounds work in time. Waiting for a promise just ends; a function also gets the signal. */
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
