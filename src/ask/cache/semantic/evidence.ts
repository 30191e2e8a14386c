import type { Clock } from '../../../resilience/deadline.ts'
import type { SerialQueue } from '../../../resilience/serial-queue.ts'
import { learnThreshold, type Observation, type Threshold } from './threshold.ts'
import type { RunLog } from '../../terms/run.ts'

/** Older observations do not count: documents, model and questions have changed since. */
export const newest = 5000

/** How often the observations of other replicas are read. */
const rereadMs = 60_000
/** Retry delay after a failed read. */
const retryMs = 1000

export interface EvidenceOptions {
  /** Oldest first. */
  readonly read: () => Promise<readonly Observation[]>
  readonly acceptedError: number
  readonly queue: SerialQueue
  readonly clock: Clock
  readonly log: RunLog
}

/**
 * The evidence for trusting answers of similar questions. It is read in the background on first use and then every
 * minute while in use, so replicas learn from each other. The threshold is recomputed only when there is new evidence.
 */
export function createEvidence({ read, acceptedError, queue, clock, log }: EvidenceOptions) {
  let observations: readonly Observation[] = []
  let learned: Threshold | null = null
  let isNew = false
  let rereadAt = -Infinity

  function refresh(): void {
    if (clock.now() < rereadAt) return
    if (queue.add('observations', reread)) rereadAt = clock.now() + rereadMs
  }

  async function reread(): Promise<void> {
    try {
      replaceAll(await read())
    } catch (error) {
      rereadAt = clock.now() + retryMs
      throw error
    }
  }

  function add(observation: Observation): void {
    replaceAll([...observations, observation])
  }

  function replaceAll(all: readonly Observation[]): void {
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
