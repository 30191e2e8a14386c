import type { Dependency } from '../adapters/guarded.ts'
import type { BreakerState } from '../resilience/breaker.ts'
import type { Kit } from './kit.ts'

const dependencies: readonly Dependency[] = ['database', 'chat', 'embeddings', 'rerank']
const breakerStates: readonly BreakerState[] = ['closed', 'half-open', 'open']

export function guardMetrics(kit: Kit) {
  const opened = kit.counter('breaker_opened_total', 'Times that something was not asked any more because it failed.', { dependency: dependencies })
  const retries = kit.counter('retries_total', 'Calls made a second time.', { dependency: dependencies })
  const hedges = kit.counter('hedges_total', 'Embeddings asked for twice because the first call took long.')()

  function watchBreakers(states: () => Readonly<Partial<Record<Dependency, BreakerState>>>): void {
    kit.gauges('breaker_state', '1 for the state that a breaker is in.', ['dependency', 'state'], set => {
      for (const [dependency, now] of Object.entries(states())) for (const state of breakerStates) set(state === now ? 1 : 0, dependency, state)
    })
  }

  return {
    breakerOpened: (dependency: Dependency) => opened(dependency).add(),
    retried: (dependency: Dependency) => retries(dependency).add(),
    hedged: () => hedges.add(),
    watchBreakers,
  }
}
