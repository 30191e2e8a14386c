import type { Dependency } from '../adapters/models/guards.ts'
import { modelFaults, type ModelFault } from '../adapters/models/faults.ts'
import { databaseFaults, type DatabaseFault } from '../adapters/postgres/faults.ts'
import type { BreakerState } from '../resilience/breaker.ts'
import type { Kit } from './kit.ts'

const dependencies: readonly Dependency[] = ['database', 'chat', 'embeddings', 'rerank']
const breakerStates: readonly BreakerState[] = ['closed', 'half-open', 'open']

export function guardMetrics(kit: Kit) {
  const opened = kit.counter('breaker_opened_total', 'Times a circuit breaker opened.', {
    dependency: dependencies,
  })
  const retries = kit.counter('retries_total', 'Retried calls.', { dependency: dependencies })
  const database = kit.counter(
    'database_faults_total',
    'Database operations that failed because of the database, by kind.',
    { kind: databaseFaults },
  )
  const models = kit.counter('model_faults_total', 'Model calls that failed or were slow, by kind.', {
    dependency: dependencies.filter(each => each !== 'database'),
    kind: modelFaults,
  })
  const hedges = kit.counter('hedges_total', 'Embedding calls hedged because the first call was slow.')()

  function watchBreakers(states: () => Readonly<Partial<Record<Dependency, BreakerState>>>): void {
    kit.gauges('breaker_state', '1 for the current state of a circuit breaker.', ['dependency', 'state'], set => {
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
