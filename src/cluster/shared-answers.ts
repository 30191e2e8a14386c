import { nameOfAsker, runOfHolder } from '../adapters/postgres/lease-holder.ts'
import type { CachedAnswer } from '../ask/cache/freshness.ts'
import type { FillLease, LeaseReply, SharedAnswers } from '../ask/cache/shared-cache.ts'
import type { Channel } from './channel.ts'
import { leaseMs } from './leases.ts'

/** The primary replies within a millisecond unless the machine is overloaded; another worker may have to be asked. */
const claimMs = 500
/** A holder that keeps the lease longer than any run takes has lost it. */
const longestRunMs = 20 * 60_000

/**
 * The answers that the workers of one machine share without Redis. An answer stays in the memory of the worker that
 * computed it; the primary knows where it is, and who computes one now. Never rejects.
 */
export function createWorkerAnswers(
  { primary, answersWith }: Pick<Channel, 'primary' | 'answersWith'>,
  getLocal: (key: string) => CachedAnswer | undefined,
): SharedAnswers {
  answersWith(key => {
    const found = getLocal(key)
    return found && JSON.stringify(found)
  })

  async function claim(key: string, freshAfter: number): Promise<LeaseReply> {
    const token = nameOfAsker()
    // JSON has no Infinity, but the channel does not use JSON.
    const reply = await primary.ask(claimMs, 'claim', { key, token, freshAfter })
    if (!reply) {
      // The lease may have been granted by a reply that was late.
      primary.tell('release', key, token, false)
      return { kind: 'alone' }
    }
    switch (reply.kind) {
      case 'found':
        return { kind: 'found', found: decoded(reply.answer) }
      case 'theirs':
        return { kind: 'theirs', ...runOfHolder(reply.token) }
      case 'yours':
        return {
          kind: 'yours',
          lease: leaseOf(key, token),
          ...(reply.before !== undefined && { before: decoded(reply.before) }),
        }
      case 'alone':
        return reply
    }
  }

  function leaseOf(key: string, token: string): FillLease {
    const endsAt = performance.now() + longestRunMs
    const renewal = setInterval(renew, leaseMs / 3).unref()
    let isFinished = false
    function renew(): void {
      if (performance.now() > endsAt) clearInterval(renewal)
      else primary.tell('renew', key, token)
    }
    const finish = (tell: () => void) => {
      clearInterval(renewal)
      if (!isFinished) tell()
      isFinished = true
      return Promise.resolve()
    }
    return {
      keep: ({ freshUntil }, ms) => finish(() => primary.tell('keep', key, token, { freshUntil, ms })),
      release: isFailed => finish(() => primary.tell('release', key, token, isFailed)),
    }
  }

  async function get(key: string): Promise<CachedAnswer | undefined> {
    const answer = await primary.ask(claimMs, 'find', key)
    return answer === undefined ? undefined : decoded(answer)
  }

  return { get, claim }
}

/** Written by a worker of this version: all workers run the same program. */
function decoded(answer: string): CachedAnswer {
  return JSON.parse(answer) as CachedAnswer
}
