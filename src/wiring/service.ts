import type { Logger } from 'pino'
import { createCacheAdmin } from '../adapters/cache-admin.ts'
import { readOnlyDatabase } from '../adapters/postgres/errors.ts'
import { countLargeMetadata } from '../adapters/postgres/store/large-metadata.ts'
import { countChangedModels } from '../adapters/postgres/store/model-changes.ts'
import { countUnitsBehind } from '../adapters/postgres/store/missing-vectors.ts'
import { preparationMarks } from '../ingest/prepare.ts'
import { countOutdated } from '../adapters/postgres/store/outdated.ts'
import type { Config } from '../config/terms.ts'
import type { Deps } from '../deps.ts'
import { documentApi } from '../ingest/document-api.ts'
import { standardOutput } from '../output.ts'
import type { DeliveryStatus } from '../tracing/delivery.ts'
import { createCollector } from '../monitoring/findings/collect.ts'
import type { Connections } from '../monitoring/findings/connections.ts'
import { beatMs, createMonitor } from '../monitoring/findings/monitor.ts'

interface ServiceOptions {
  readonly config: Config
  readonly log: Logger
  readonly connections: Connections
  /** What becomes of the spans. */
  readonly traces: () => DeliveryStatus
  readonly isDraining: () => boolean
}

export type Service = ReturnType<typeof openService>

/** Opens what only the HTTP service uses, and no command. */
export function openService(deps: Deps, options: ServiceOptions) {
  const { models, metrics, onWritten, workers } = deps
  workers.reportsWith('cleared', () => {
    deps.caches.clear()
    return true
  })
  deps.startUpkeep()
  const documents = documentApi({
    store: deps.store,
    embedder: models.embedder,
    preparing: deps.preparing,
    step: deps.step,
    wordsFirstMs: options.config.prepare.wordsFirstMs,
    fillVectors: deps.fillVectors,
    beforeLoad: deps.modelCheck.beforeLoad,
    onWritten,
  })
  return {
    documents: whileWritable(deps, documents),
    cache: createCacheAdmin({
      ...deps,
      config: options.config.cache,
      registry: metrics.registry,
      clearOthers: async () => await workers.gather?.('cleared'),
      model: models.embedder.model,
    }),
    monitor: openMonitor(deps, options),
  }
}

function openMonitor(deps: Deps, { log, connections, traces, isDraining }: ServiceOptions) {
  const { database, metrics } = deps
  metrics.useTraces(traces)
  const collector = createCollector({
    ...deps,
    countLargeMetadata: signal => database.aside({ signal, label: 'inspect' }, countLargeMetadata),
    countOutdated: signal => database.aside({ signal, label: 'inspect' }, sql => countOutdated(sql, preparationMarks)),
    countUnitsBehind: signal => database.aside({ signal, label: 'inspect' }, countUnitsBehind),
    countChangedModels: signal => database.aside({ signal, label: 'inspect' }, countChangedModels),
    connections,
    traces,
    log: standardOutput().status,
    isDraining,
    beatMs,
  })
  deps.events.subscribe({ modelChanged: collector.doubtStored })
  const { look, stop } = createMonitor({ collect: collector.collect, onBeat: collector.beat, log })
  metrics.watchMonitor(look, connections.facts)
  metrics.watchService({ isOpen: () => !isDraining() })
  const report = () => {
    const { service, findings } = look()
    collector.looked()
    return { verdict: service, findings, ...deps.monitoring.report() }
  }
  return { look, stop, markViewed: collector.looked, report }
}

type Documents = ReturnType<typeof documentApi>

/** Rejects writes to a read-only database before documents are parsed. */
function whileWritable({ database, events }: Deps, documents: Documents): Documents {
  const checked =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args) => {
      if (await database.mayWrite()) return await work(...args)
      events.emit.databaseFailed('read_only')
      throw readOnlyDatabase()
    }
  return { ...documents, put: checked(documents.put), remove: checked(documents.remove) }
}
