import type { Subscriber } from '../events.ts'
import { databaseFaults, modelFaults, type Dependency } from '../faults.ts'
import type { BreakerState } from '../resilience/breaker.ts'
import type { CallLimitStatus } from '../resilience/call-limit.ts'
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

  const declined = kit.counter(
    'model_calls_declined_total',
    'Calls that were not made, because so many wait for the model that it could not answer in time.',
    { dependency: dependencies.filter(each => each !== 'database') },
  )

  function watchModelCalls(status: () => CallLimitStatus): void {
    kit.gauge('model_calls_limit', 'Calls to the language model at a time, learned or set.', () => status().limit)
    kit.gauge('model_calls_in_flight', 'Calls to the language model in progress.', () => status().inFlight)
    kit.gauge('model_calls_queued', 'Answers that wait for a call to the language model.', () => status().waiting)
    kit.gauge('model_saturated', '1 while more calls at a time would only wait in the language model.', () =>
      Number(status().isSaturated),
    )
  }

  function watchBreakers(states: () => Readonly<Partial<Record<Dependency, BreakerState>>>): void {
    kit.gauges('breaker_state', '1 for the current state of a circuit breaker.', ['dependency', 'state'], set => {
      for (const [dependency, now] of Object.entries(states()))
        for (const state of breakerStates) set(state === now ? 1 : 0, dependency, state)
    })
  }

  const subscriber: Subscriber = {
    breakerChanged: (dependency, now) => now === 'open' && opened(dependency).add(),
    callRetried: dependency => retries(dependency).add(),
    callHedged: () => hedges.add(),
    callDeclined: model => declined(model).add(),
    databaseFailed: kind => database(kind).add(),
    modelEnded: (model, fault) => fault !== null && models(model, fault).add(),
  }
  return { subscriber, watchBreakers, watchModelCalls }
}
