import type { Logger } from 'pino'
import type { Database } from '../adapters/postgres/database.ts'
import type { DocumentStore } from '../adapters/postgres/store/documents.ts'
import { indexFacts, isIndexed, sampledRecall } from '../adapters/postgres/store/index-facts.ts'
import type { RedisServer } from '../adapters/redis/redis.ts'
import { readServerConnections } from '../adapters/postgres/server-connections.ts'
import { tableFacts } from '../adapters/postgres/table-facts.ts'
import { normalised } from '../ask/cache/cache-key.ts'
import type { Figures } from '../monitoring/figures/figures.ts'
import { openInspection } from '../monitoring/recommendations/inspection.ts'
import { createPerformance, type Performance, type Sources } from '../monitoring/figures/report.ts'
import { watchProcess } from '../monitoring/figures/process-load.ts'
import { createSlowQuestions } from '../monitoring/figures/slow-questions.ts'
import { version } from '../version.ts'
import type { Config } from '../config/terms.ts'
import type { Subscriber } from '../events.ts'

/** Keeps rolling windows of the last minutes and derives recommendations from them. */
export interface Monitoring extends Performance {
  /** Collects slow questions. */
  readonly subscriber: Subscriber
  /** Reads what recommendations need from the database, now. */
  inspect(): Promise<void>
  close(): Promise<void>
}

interface MonitoringParts {
  readonly config: Config
  readonly log: Logger
  readonly database: Database
  readonly redis: Pick<RedisServer, 'status'> | undefined
  readonly store: Pick<DocumentStore, 'collections'>
  readonly figures: Figures
  readonly sources: Sources
}

/** Reads the database in the background, and only while somebody requests a report. */
export function openMonitoring({ config, log, database, redis, store, figures, sources }: MonitoringParts): Monitoring {
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
    return { poolCheckedOut: checkedOut, poolWaiting: waiting, inFlight: sources.limiter().inFlight }
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
    subscriber: slow.subscriber,
    inspect: inspection.inspect,
    async close() {
      load.stop()
      await inspection.close()
    },
  }
}
