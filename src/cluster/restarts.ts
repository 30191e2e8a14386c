import type { ClusterStatus } from './calls.ts'

export interface WorkerEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * - `killed`: by SIGKILL, which the kernel sends when memory runs out
 * - `failed`: by an error, or it never became ready
 * - `stopped`: it shut down by itself, after a signal to it alone
 */
export type RestartReason = 'killed' | 'failed' | 'stopped'

export interface Restart {
  readonly reason: RestartReason
  /** How long to wait before the next start. */
  readonly pauseMs: number
}

/** A worker that was ready for longer than this did not fail at once. */
const steadyMs = 30_000
const firstPauseMs = 500
const longestPauseMs = 30_000

/** Decides when a worker is started again: at once, or after a pause that doubles while it keeps failing at once. */
export function createRestarts(now: () => number = () => performance.now()) {
  let startedAt: number | null = null
  let failures = 0
  return {
    /** It is ready. */
    started: () => void (startedAt = now()),
    ended({ code, signal }: WorkerEnd): Restart {
      const wasSteady = startedAt !== null && now() - startedAt >= steadyMs
      const isFirst = startedAt !== null && failures === 0
      startedAt = null
      if (code === 0) return { reason: 'stopped', pauseMs: 0 }
      failures = wasSteady ? 0 : failures + 1
      return {
        reason: signal === 'SIGKILL' ? 'killed' : 'failed',
        pauseMs: wasSteady || isFirst ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 2)),
      }
    },
  }
}

/** Counts replaced workers since the start. */
export function createRestartCounts(now: () => number = () => performance.now()) {
  const restarts: Record<RestartReason, number> = { killed: 0, failed: 0, stopped: 0 }
  let killedAt: number | null = null
  return {
    add(reason: RestartReason): void {
      restarts[reason]++
      if (reason === 'killed') killedAt = now()
    },
    read: (): Pick<ClusterStatus, 'restarts' | 'killedAgoMs'> => ({
      restarts: { ...restarts },
      killedAgoMs: killedAt === null ? null : now() - killedAt,
    }),
  }
}
