import type { Dependency } from '../adapters/models/guards.ts'
import { modelFaults, type ModelFault } from '../adapters/models/faults.ts'
import type { DatabaseFault } from '../adapters/postgres/errors.ts'
import type { BreakerState } from '../resilience/breaker.ts'
import type { Kit } from './kit.ts'

const dependencies: readonly Dependency[] = ['database', 'chat', 'embeddings', 'rerank']
/** As adapters/postgres/errors.ts has them; only the type is taken from there, for that file is one of a driver's. */
const databaseFaults: readonly DatabaseFault[] = [
  'unreachable',
  'silent',
  'starting',
  'lost',
  'login',
  'too_many_connections',
  'read_only',
  'disk_full',
  'out_of_resources',
  'broken',
  'statement_timeout',
  'deadlock',
]
const breakerStates: readonly BreakerState[] = ['closed', 'half-open', 'open']

export function guardMetrics(kit: Kit) {
  const opened = kit.counter('breaker_opened_total', 'Times that something was not asked any more because it failed.', {
    dependency: dependencies,
  })
  const retries = kit.counter('retries_total', 'Calls made a second time.', { dependency: dependencies })
  const database = kit.counter(
    'database_faults_total',
    'Uses of the database that came to nothing by its doing, by why.',
    { kind: databaseFaults },
  )
  const models = kit.counter('model_faults_total', 'Calls of models that failed or were slow, by how.', {
    dependency: dependencies.filter(each => each !== 'database'),
    kind: modelFaults,
  })
  const hedges = kit.counter('hedges_total', 'Embeddings asked for twice because the first call took long.')()

  function watchBreakers(states: () => Readonly<Partial<Record<Dependency, BreakerState>>>): void {
    kit.gauges('breaker_state', '1 for the state that a breaker is in.', ['dependency', 'state'], set => {
      for (const [dependency, now] of Object.entries(states()))
        for (const state of breakerStates) set(state === now ? 1 : 0, dependency, state)
    })
  }

  return {
    breakerOpened: (dependency: Dependency) => opened(dependency).add(),
    retried: (dependency: Dependency) => retries(dependency).add(),
    hedged: () => hedges.add(),
    databaseFailed: (kind: DatabaseFault) => database(kind).add(),
    modelFailed: (dependency: Dependency, kind: ModelFault) => models(dependency, kind).add(),
    watchBreakers,
  }
}
