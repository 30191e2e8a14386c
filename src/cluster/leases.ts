import { LRUCache } from 'lru-cache'
import type { ClaimRequest, KeptTimes } from './calls.ts'

/** A holder that hangs delays the others by at most this long. One that dies delays nobody. */
export const leaseMs = 2000
/** After a run that produced nothing to cache, waiting workers do not queue for the next one during this time. */
const failedMs = 1000
const maxLeases = 10_000
/** Answers whose place is known. The least recently used one is forgotten. */
const maxKept = 50_000

interface Lease {
  readonly worker: number
  readonly token: string
  readonly endsAt: number
  readonly isFailed: boolean
}

interface Kept {
  readonly worker: number
  readonly freshUntil: number
  readonly endsAt: number
}

/** `worker` has the answer; `before` has an expired one. */
export type Claimed =
  | { readonly kind: 'found'; readonly worker: number }
  | { readonly kind: 'yours'; readonly before: number | undefined }
  | { readonly kind: 'theirs'; readonly token: string }
  | { readonly kind: 'alone' }

export type Leases = ReturnType<typeof createLeases>

/**
 * Which worker computes an answer, and which has it in memory. Has the same rules as the scripts in Redis, but no
 * answers: those stay with the worker that computed them.
 */
export function createLeases(now: () => number = Date.now) {
  const leases = new Map<string, Lease>()
  const kept = new LRUCache<string, Kept>({ max: maxKept })

  function claim(worker: number, { key, token, freshAfter }: ClaimRequest): Claimed {
    const known = keptElsewhere(worker, key)
    if (known && known.freshUntil > freshAfter) return { kind: 'found', worker: known.worker }
    const held = leases.get(key)
    if (held && held.endsAt > now()) {
      if (held.isFailed) return { kind: 'alone' }
      if (held.token !== token) return { kind: 'theirs', token: held.token }
    }
    if (!hasRoom()) return { kind: 'alone' }
    leases.set(key, { worker, token, endsAt: now() + leaseMs, isFailed: false })
    return { kind: 'yours', before: known?.worker }
  }

  /** An answer of the asking worker itself is of no use: it has looked in its memory. */
  function keptElsewhere(worker: number, key: string): Kept | undefined {
    const known = kept.get(key)
    return known && known.worker !== worker && known.endsAt > now() ? known : undefined
  }

  function hasRoom(): boolean {
    if (leases.size < maxLeases) return true
    for (const [key, { endsAt }] of leases) if (endsAt <= now()) leases.delete(key)
    return leases.size < maxLeases
  }

  function holds(key: string, token: string): Lease | undefined {
    const held = leases.get(key)
    return held?.token === token && !held.isFailed ? held : undefined
  }

  return {
    claim,
    /** The other worker that has this answer. */
    find: (worker: number, key: string) => keptElsewhere(worker, key)?.worker,
    renew(key: string, token: string): void {
      const held = holds(key, token)
      if (held) leases.set(key, { ...held, endsAt: now() + leaseMs })
    },
    /** Ends the lease. Ignored when another worker has the lease by now. */
    keep(key: string, token: string, { freshUntil, ms }: KeptTimes): void {
      const held = holds(key, token)
      if (!held) return
      leases.delete(key)
      kept.set(key, { worker: held.worker, freshUntil, endsAt: now() + ms })
    },
    release(key: string, token: string, isFailed: boolean): void {
      const held = holds(key, token)
      if (!held) return
      if (isFailed) leases.set(key, { ...held, endsAt: now() + failedMs, isFailed })
      else leases.delete(key)
    },
    /** The worker no longer has this answer. */
    forget(worker: number, key: string): void {
      if (kept.peek(key)?.worker === worker) kept.delete(key)
    },
    /** The worker has ended. */
    drop(worker: number): void {
      for (const [key, held] of leases) if (held.worker === worker) leases.delete(key)
      for (const [key, known] of kept.entries()) if (known.worker === worker) kept.delete(key)
    },
  }
}
