import { setTimeout as sleep } from 'node:timers/promises'
import { linkTo, workflowSpan } from '../../tracing/workflow.ts'
import type { LeaseReply, SharedAnswers } from './shared-cache.ts'
import type { Run } from '../terms/run.ts'

export interface LeaseRequest {
  readonly key: string
  /** Milliseconds since 1970. Answers that expire by then will not do. */
  readonly freshAfter: number
  /** False when the caller does not wait for another replica. */
  readonly isPatient: boolean
}

export interface LeaseOutcome {
  readonly reply: Exclude<LeaseReply, { readonly kind: 'theirs' }>
  /** Another replica was computing it meanwhile. */
  readonly hasWaited: boolean
}

/** Milliseconds between polls while another replica computes the answer. */
const firstWaitMs = 10
const longestWaitMs = 60
/**
 * Share of the remaining time to wait. After that the answer is computed here too, while there is still time for it.
 */
const waitShare = 0.5

/**
 * Returns the shared answer, or the right to compute it. Waits while another replica computes it, until the answer is
 * there or that replica released its lease or died.
 */
export function fillLeaseFrom(shared: SharedAnswers) {
  return async ({ key, freshAfter, isPatient }: LeaseRequest, run: Run): Promise<LeaseOutcome> => {
    const end = performance.now() + waitShare * (run.deadline - performance.now())
    for (let waits = 0; ; waits++) {
      const reply = await shared.claim(key, freshAfter)
      // Otherwise nobody would release it, and it would be renewed for ever.
      if (run.signal.aborted && reply.kind === 'yours') void reply.lease.release(false)
      run.signal.throwIfAborted()
      if (reply.kind === 'theirs' && waits === 0) linkTo(reply.run, workflowSpan())
      if (reply.kind !== 'theirs') return { reply, hasWaited: waits > 0 }
      if (!isPatient || performance.now() > end) return { reply: { kind: 'alone' }, hasWaited: true }
      await sleep(Math.min(firstWaitMs * 2 ** waits, longestWaitMs))
    }
  }
}
