import type { Logger } from 'pino'
import type { Database } from '../adapters/postgres/database.ts'
import type { DocumentStore } from '../adapters/postgres/store/documents.ts'
import { indexFacts, isIndexed, sampledRecall } from '../adapters/postgres/store/index-facts.ts'
import type { RedisServer } from '../adapters/redis/redis.ts'
import { readServerConnections } from '../adapters/postgres/server-connections.ts'
import { tableFacts } from '../adapters/postgres/table-facts.ts'
import { normalised } from '../ask/cache/cache-key.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Sources } from '../monitoring/figures/feed.ts'
import { createFigures } from '../monitoring/figures/figures.ts'
import { openInspection } from '../monitoring/recommendations/inspection.ts'
import { createPerformance, type Performance } from '../monitoring/figures/report.ts'
import { watchProcess } from '../monitoring/figures/process-load.ts'
import type { RecentCounts } from '../monitoring/figures/recent-counts.ts'
import { createSlowQuestions, type SlowQuestions } from '../monitoring/figures/slow-questions.ts'
import { version } from '../version.ts'
import type { Config } from '../config/terms.ts'

/** Keeps rolling windows of the last minutes and derives recommendations from them. */
export interface Monitoring extends Performance {
  readonly slow: SlowQuestions
  readonly figures: RollingWindows['figures']
  readonly sources: Sources
  /** Reads what recommendations need from the database, now. */
  inspect(): Promise<void>
  close(): Promise<void>
}

type RollingWindows = ReturnType<typeof createRollingWindows>

interface MonitoringParts {
  readonly config: Config
  readonly log: Logger
  readonly database: Database
  readonly redis: Pick<RedisServer, 'status'> | undefined
  readonly store: Pick<DocumentStore, 'collections'>
}

/** Created before everything that is counted. */
export function createRollingWindows() {
  return { figures: createFigures(), sources: {} as Sources }
}

/** Reads the database in the background, and only while somebody requests a report. */
export function openMonitoring(
  { figures, sources }: RollingWindows,
  { config, log, database, redis, store }: MonitoringParts,
): Monitoring {
  const reads = {
    connections: readServerConnections,
    tables: tableFacts,
    collections: store.collections,
    isIndexed,
    index: indexFacts,
    recall: sampledRecall,
  }
  const inspection = openInspection({ database, reads, log })
  const slow = createSlowQuestions({ isTextKept: config.log.questions, normalised })
  const load = watchProcess(figures, () => {
    const { checkedOut, waiting } = database.status()
    return { poolCheckedOut: checkedOut, poolWaiting: waiting, inFlight: sources.limiter?.().inFlight ?? 0 }
  })
  const isEmbedded = database.kind === 'embedded'
  const { report } = createPerformance({
    config,
    version,
    figures,
    slow,
    inspection,
    sources,
    isEmbedded,
    pool: database.status,
    redis: () => redis?.status() ?? 'off',
  })
  return {
    report,
    slow,
    figures,
    sources,
    inspect: inspection.inspect,
    async close() {
      load.stop()
      await inspection.close()
    },
  }
}

/** Wraps the metrics so that events the monitoring uses also go to the sliding counters. */
export function withSlidingCounters(metrics: Metrics, { count }: RecentCounts): Metrics {
  return {
    ...metrics,
    answered: (answer, seconds, of) => (metrics.answered(answer, seconds, of), count('answered')),
    searched: (found, seconds, of) => (metrics.searched(found, seconds, of), count('answered')),
    failed: (code, of) => (metrics.failed(code, of), count('not answered'), count(`failed:${code}`)),
    redisFailed: reason => (metrics.redisFailed(reason), count(`redis:${reason}`)),
    unparsed: code => (metrics.unparsed(code), count(`unparsed:${code}`)),
    admission: {
      ...metrics.admission,
      refused: (priority, reason) => (metrics.admission.refused(priority, reason), count(`refused:${reason}`)),
    },
    stages: {
      ...metrics.stages,
      seconds(stage, outcome, seconds, traceId) {
        metrics.stages.seconds(stage, outcome, seconds, traceId)
        if (outcome === 'deadline') count(`deadline:${stage}`)
      },
    },
  }
}
