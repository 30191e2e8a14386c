import type { CachedAnswer } from '../../ask/cache/freshness.ts'
import type { LeaseReply, FillLease, SharedAnswers } from '../../ask/cache/shared-cache.ts'
import { decodeAnswer, encodeAnswer } from './answer-codec.ts'
import { defineScripts, type Scripts } from './answer-scripts.ts'
import { nameOfAsker, runOfHolder } from '../postgres/lease-holder.ts'
import type { RedisServer } from './redis.ts'
import { createSharedReads } from './shared-values.ts'

/** A holder that died delays the others by at most this long. */
export const leaseMs = 2000
/** After a run that produced nothing to cache, waiting processes do not queue for the next one during this time. */
const failedMs = 1000
/** Longer than any run, so that an earlier holder can be distinguished from the current one. */
const fenceMs = 20 * 60_000

/**
 * The cache tier that replicas share. No method rejects or takes longer than a command may; without Redis the tier is
 * empty.
 */
export function createSharedAnswers(redis: RedisServer, onCorrupt: () => void = () => {}): SharedAnswers {
  const scripts: Scripts = defineScripts(redis.client)
  const reads = createSharedReads(redis, { decode: decodeAnswer, onCorrupt })

  /**
   * Keys of one answer. The part in braces determines the slot in a Cluster, so that a script finds all three on one
   * node.
   */
  function keysOf(key: string): [answer: string, lease: string, fence: string] {
    return [`${redis.keyPrefix}answer:{${key}}`, `${redis.keyPrefix}lease:{${key}}`, `${redis.keyPrefix}fence:{${key}}`]
  }

  async function claim(key: string, freshAfter: number): Promise<LeaseReply> {
    const keys = keysOf(key)
    const asker = nameOfAsker()
    const ask = () =>
      redis.attempt(
        'claim',
        () => scripts.claim(...keys, leaseMs, fenceMs, Math.round(freshAfter), asker),
        () => reads.remove(...keys), // any of the three may have the wrong type
      )
    // Retry once if the reply was only late: a run that is not shared costs more than the wait.
    const reply = (await ask()) ?? (redis.isUsable() ? await ask() : undefined)
    if (!reply) return { kind: 'alone', isAway: true }
    // If the answer is corrupt, only it is removed: a lease that came with it is valid.
    const found = reply.answer ? reads.decoded(keys[0], reply.answer) : undefined
    switch (reply.kind) {
      case 'found':
        return found ? { kind: 'found', found } : { kind: 'alone' }
      case 'theirs':
        return { kind: 'theirs', ...runOfHolder(reply.token) }
      case 'failed':
        return { kind: 'alone', ...before(found) }
      case 'yours':
        return { kind: 'yours', lease: leaseOf(key, reply.token), ...before(found) }
      default: // not a reply of our script: a faulty proxy or server
        return { kind: 'alone' }
    }
  }

  function leaseOf(key: string, token: string): FillLease {
    const keys = keysOf(key)
    const endsAt = performance.now() + fenceMs
    const renewal = setInterval(renew, leaseMs / 3).unref()
    let isFinished = false
    // A holder that keeps the lease longer than any run takes has lost it.
    function renew(): void {
      if (performance.now() > endsAt) clearInterval(renewal)
      else void redis.attempt('renew', () => scripts.renew(...keys, token, leaseMs))
    }
    const finish = async (what: string, work: () => Promise<unknown>) => {
      clearInterval(renewal)
      if (isFinished) return
      isFinished = true
      await redis.attempt(what, work)
    }
    return {
      keep: (value, ms) =>
        finish('keep', () => scripts.keep(...keys, token, Math.max(1, Math.round(ms)), encodeAnswer(value))),
      release: isFailed => finish('release', () => scripts.release(...keys, token, isFailed ? failedMs : 0)),
    }
  }

  return { get: key => reads.get(keysOf(key)[0]), claim }
}

function before(found: CachedAnswer | undefined) {
  return found ? { before: found } : {}
}
