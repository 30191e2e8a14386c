import { setTimeout as sleep } from 'node:timers/promises'
import { linkTo, workflowSpan } from '../../tracing/workflow.ts'
import type { LeaseReply, SharedAnswers } from './shared-cache.ts'
import type { Run } from '../terms.ts'

export interface LeaseRequest {
  readonly key: string
  /** What is fresh no longer than that, in milliseconds since 1970, will not do. */
  readonly freshAfter: number
  /** False: not to wait for another replica that makes it. */
  readonly isPatient: boolean
}

export interface LeaseOutcome {
  readonly claim: Exclude<LeaseReply, { readonly kind: 'theirs' }>
  /** Another replica was making it meanwhile. */
  readonly hasWaited: boolean
}

/** Milliseconds between looks while another replica makes the answer. */
const firstWaitMs = 10
const longestWaitMs = 60
/** Of the time left: after that it is made here as well, while there is still time for it. */
const patience = 0.5

/** The shared answer, or the right to make it. While another replica makes it, waits: until it is there, or that one gave up or died. */
export function fillLeaseFrom(shared: SharedAnswers) {
  return async ({ key, freshAfter, isPatient }: LeaseRequest, run: Run): Promise<LeaseOutcome> => {
    const end = performance.now() + patience * (run.deadline - performance.now())
    for (let waits = 0; ; waits++) {
      const claim = await shared.claim(key, freshAfter)
      // Nobody would give it back, and it would be renewed for ever.
      if (run.signal.aborted && claim.kind === 'yours') void claim.lease.release(false)
      run.signal.throwIfAborted()
      if (claim.kind === 'theirs' && waits === 0) linkTo(claim.run, workflowSpan())
      if (claim.kind !== 'theirs') return { claim, hasWaited: waits > 0 }
      if (!isPatient || performance.now() > end) return { claim: { kind: 'alone' }, hasWaited: true }
      await sleep(Math.min(firstWaitMs * 2 ** waits, longestWaitMs))
    }
  }
}
