import { createWindowCounter } from '../resilience/window-counter.ts'
import {
  reportMs,
  type ClaimReply,
  type ClaimRequest,
  type Gathered,
  type PrimaryCalls,
  type ReportName,
  type WorkerCalls,
} from './calls.ts'
import { createLeases } from './leases.ts'
import type { Link } from './link.ts'

/** How long a worker may take to pass on an answer from its memory. */
const answerMs = 200
/** As many as one process tracks without workers. */
const maxClients = 10_000

export type WorkerLink = Link<WorkerCalls>

/** What workers share through the primary. `linkTo` is undefined for a worker that is not ready. */
export function createDesk(workers: readonly number[], linkTo: (worker: number) => WorkerLink | undefined) {
  const leases = createLeases()
  const count = createWindowCounter({ maxClients })

  async function claim(worker: number, request: ClaimRequest): Promise<ClaimReply> {
    const claimed = leases.claim(worker, request)
    if (claimed.kind === 'yours') return { kind: 'yours', before: await answerOf(claimed.before, request.key) }
    if (claimed.kind !== 'found') return claimed
    const answer = await answerOf(claimed.worker, request.key)
    return answer === undefined ? await claim(worker, request) : { kind: 'found', answer }
  }

  /** Forgets where the answer was if it is no longer there. */
  async function answerOf(worker: number | undefined, key: string): Promise<string | undefined> {
    if (worker === undefined) return undefined
    const answer = await linkTo(worker)?.ask(answerMs, 'answer', key)
    if (answer === undefined) leases.forget(worker, key)
    return answer
  }

  async function gather(asker: number, what: ReportName): Promise<Gathered> {
    const others = workers.filter(worker => worker !== asker)
    const replies = await Promise.all(others.map(async worker => await linkTo(worker)?.ask(reportMs, 'report', what)))
    const received = replies.filter(reply => reply !== undefined)
    return { replies: received, missing: others.length - received.length }
  }

  /** The functions that this worker may call. */
  function callsOf(worker: number): Omit<PrimaryCalls, 'ready'> {
    return {
      claim: request => claim(worker, request),
      find: key => answerOf(leases.find(worker, key), key),
      renew: leases.renew,
      keep: leases.keep,
      release: leases.release,
      count,
      gather: what => gather(worker, what),
    }
  }

  return { callsOf, drop: leases.drop }
}
