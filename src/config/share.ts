import type { Config } from './terms.ts'

/**
 * The settings of one of `workers` processes: what the machine, the database and the model provide once is divided
 * equally. A share is never below 1, except where 0 has a meaning (no cache, no overflow, no queue).
 */
export function shareOf(config: Config, workers: number): Config {
  if (workers === 1) return config
  const share = (whole: number) => Math.max(1, Math.floor(whole / workers))
  const shareOrNone = (whole: number) => (whole === 0 ? 0 : share(whole))
  const { database, prepare, guard, cache, admission, receiving, budgets } = config
  const poolSize = share(database.poolSize)
  return {
    ...config,
    database: {
      ...database,
      poolSize,
      // Not rounded up to 1: together the workers must not open more connections than one process would.
      poolMaxOverflow: Math.floor(database.poolMaxOverflow / workers),
      poolMaxWaiting: shareOrNone(database.poolMaxWaiting),
    },
    budgets: { ...budgets, processes: workers },
    prepare: { ...prepare, workers: share(prepare.workers), queueMb: share(prepare.queueMb) },
    guard: { ...guard, maxModelCalls: guard.maxModelCalls === undefined ? undefined : share(guard.maxModelCalls) },
    cache: {
      ...cache,
      answerBytes: Math.floor(cache.answerBytes / workers),
      embeddingBytes: Math.floor(cache.embeddingBytes / workers),
    },
    admission: {
      ...admission,
      floor: Math.max(1, Math.min(share(admission.floor), poolSize - 1)),
      ceiling: share(admission.ceiling),
      maxWaiting: shareOrNone(admission.maxWaiting),
    },
    receiving: { ...receiving, maxConnections: share(receiving.maxConnections) },
  }
}
