import type { CachedAnswer } from '../../ask/cache/freshness.ts'
import type { LeaseReply, FillLease, SharedAnswers } from '../../ask/cache/shared-cache.ts'
import { decodeAnswer, encodeAnswer } from './answer-codec.ts'
import { defineScripts, type Scripts } from './answer-scripts.ts'
import { nameOfAsker, runOfHolder } from '../postgres/lease-holder.ts'
import type { RedisServer } from './redis.ts'

/** A holder that died delays the others by this much at most. */
export const leaseMs = 2000
/** After a run that gave nothing to keep, those who waited for it do not queue up for the next. */
const failedMs = 1000
/** Longer than any run: within it an earlier holder is told from the present one. */
const fenceMs = 20 * 60_000

/** The tier that replicas share. None of its methods rejects or takes longer than a command may: without Redis there is nothing in it. */
export function createSharedAnswers(redis: RedisServer, onCorrupt: () => void = () => {}): SharedAnswers {
  const scripts: Scripts = defineScripts(redis.client)

  /** Of one answer; in braces what decides in a Cluster where it lies, so that scripts find all three in one place. */
  function keysOf(key: string): [answer: string, lease: string, fence: string] {
    return [`${redis.keyPrefix}answer:{${key}}`, `${redis.keyPrefix}lease:{${key}}`, `${redis.keyPrefix}fence:{${key}}`]
  }

  async function get(key: string): Promise<CachedAnswer | undefined> {
    const [answer] = keysOf(key)
    const bytes = await redis.attempt(
      'get',
      client => client.getBuffer(answer),
      () => remove(key),
    )
    return bytes ? decoded(key, bytes) : undefined
  }

  async function claim(key: string, freshAfter: number): Promise<LeaseReply> {
    const keys = keysOf(key)
    const asker = nameOfAsker()
    const ask = () =>
      redis.attempt(
        'claim',
        () => scripts.claim(...keys, leaseMs, fenceMs, Math.round(freshAfter), asker),
        () => remove(key),
      )
    // Once more where it was only late: a run that is not shared costs more than the wait.
    const reply = (await ask()) ?? (redis.isUsable() ? await ask() : undefined)
    if (!reply) return { kind: 'alone', isAway: true }
    const found = reply.answer ? decoded(key, reply.answer) : undefined
    switch (reply.kind) {
      case 'found':
        return found ? { kind: 'found', found } : { kind: 'alone' }
      case 'theirs':
        return { kind: 'theirs', ...runOfHolder(reply.token) }
      case 'failed':
        return { kind: 'alone', ...before(found) }
      case 'yours':
        return { kind: 'yours', lease: leaseOf(key, reply.token), ...before(found) }
      default: // No reply of our script: a proxy, or a server, that errs.
        return { kind: 'alone' }
    }
  }

  function leaseOf(key: string, token: string): FillLease {
    const keys = keysOf(key)
    const endsAt = performance.now() + fenceMs
    const renewal = setInterval(renew, leaseMs / 3).unref()
    let isOver = false
    // Who holds it longer than any run takes has lost it.
    function renew(): void {
      if (performance.now() > endsAt) clearInterval(renewal)
      else void redis.attempt('renew', () => scripts.renew(...keys, token, leaseMs))
    }
    const end = async (what: string, work: () => Promise<unknown>) => {
      clearInterval(renewal)
      if (isOver) return
      isOver = true
      await redis.attempt(what, work)
    }
    return {
      keep: (value, ms) =>
        end('keep', () => scripts.keep(...keys, token, Math.max(1, Math.round(ms)), encodeAnswer(value))),
      release: isFailed => end('release', () => scripts.release(...keys, token, isFailed ? failedMs : 0)),
    }
  }

  function decoded(key: string, bytes: Buffer): CachedAnswer | undefined {
    const value = decodeAnswer(bytes)
    // Only that: a lease that came with it is good.
    if (value === undefined) removeKeys(keysOf(key).slice(0, 1))
    return value
  }

  /** Any of the three may be of another kind. */
  function remove(key: string): void {
    removeKeys(keysOf(key))
  }

  function removeKeys(keys: readonly string[]): void {
    onCorrupt()
    for (const each of keys) void redis.attempt('remove', client => client.unlink(each))
  }

  return { get, claim }
}

function before(found: CachedAnswer | undefined) {
  return found ? { before: found } : {}
}
