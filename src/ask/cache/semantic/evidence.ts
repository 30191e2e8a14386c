import type { Clock } from '../../../resilience/deadline.ts'
import type { SerialQueue } from '../../../resilience/serial-queue.ts'
import { learnThreshold, type Observation, type Threshold } from './threshold.ts'
import type { RunLog } from '../../terms.ts'

/** Older ones do not count: the documents, the model and what people ask have changed since. */
export const newest = 5000

/** How often others' comparisons are read. */
const rereadMs = 60_000
/** After it failed. */
const retryMs = 1000

export interface EvidenceOptions {
  /** Oldest first. */
  readonly read: () => Promise<readonly Observation[]>
  readonly acceptedError: number
  readonly inTurn: SerialQueue
  readonly clock: Clock
  readonly log: RunLog
}

/**
 * What is known of how far near answers can be trusted. Read in the background when first wanted, and again every
 * minute while it is: so replicas learn from each other. What it teaches is worked out only when there is something new.
 */
export function createEvidence({ read, acceptedError, inTurn, clock, log }: EvidenceOptions) {
  let observations: readonly Observation[] = []
  let learned: Threshold | null = null
  let isNew = false
  let rereadAt = -Infinity

  function refresh(): void {
    if (clock.now() < rereadAt) return
    if (inTurn.add('observations', reread)) rereadAt = clock.now() + rereadMs
  }

  async function reread(): Promise<void> {
    try {
      take(await read())
    } catch (error) {
      rereadAt = clock.now() + retryMs
      throw error
    }
  }

  function add(observation: Observation): void {
    take([...observations, observation])
  }

  function take(all: readonly Observation[]): void {
    observations = all.slice(-newest)
    isNew = true
  }

  function threshold(): number | null {
    if (isNew) relearn()
    return learned?.similarity ?? null
  }

  function relearn(): void {
    const before = learned?.similarity
    learned = learnThreshold(observations, { acceptedError })
    isNew = false
    if (learned?.similarity !== before)
      log.info(
        { threshold: learned, of: observations.length },
        learned ? 'semantic cache: threshold learned' : 'semantic cache: no longer enough evidence to serve an answer',
      )
  }

  return { refresh, add, threshold, isFull: () => observations.length >= newest }
}

export type Evidence = ReturnType<typeof createEvidence>
