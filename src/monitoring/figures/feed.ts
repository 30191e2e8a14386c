import type { Metrics } from '../../metrics/metrics.ts'
import type { LimiterStatus } from '../../resilience/limiter.ts'
import type { Figures } from './figures.ts'

type Watched<Watch extends (read: never) => void> = Parameters<Watch>[0]

/** The status functions that were registered with the metrics, for use by others. Undefined until registered. */
export interface Sources {
  limiter?: () => LimiterStatus
  breakers?: Watched<Metrics['watchBreakers']>
  caches?: Watched<Metrics['watchCaches']>
}

/** Wraps the metrics so that the figures record every event too. Callers need to know only the metrics. */
export function feed(metrics: Metrics, figures: Figures, sources: Sources): Metrics {
  const { stages, pool, admission } = metrics
  return {
    ...metrics,
    ...feedCaches(metrics, figures, sources),
    stages: {
      seconds(...args) {
        stages.seconds(...args)
        figures.stage(args[0], args[1], args[2] * 1000)
      },
      firstToken(...args) {
        stages.firstToken(...args)
        figures.firstToken(args[1] * 1000)
      },
    },
    pool: {
      waited(...args) {
        pool.waited(...args)
        figures.waited(args[0] * 1000)
      },
      held(...args) {
        pool.held(...args)
        figures.held(args[0] * 1000, args[1])
      },
    },
    answered(...args) {
      metrics.answered(...args)
      figures.answered(args[0], args[1] * 1000)
    },
    searched(...args) {
      metrics.searched(...args)
      figures.searched(args[0], args[1] * 1000)
    },
    failed(...args) {
      metrics.failed(...args)
      figures.failed(args[0])
    },
    admission: {
      ...admission,
      watch(status) {
        sources.limiter = status
        admission.watch(status)
      },
    },
    retried(...args) {
      metrics.retried(...args)
      figures.retried()
    },
    redisFailed(...args) {
      metrics.redisFailed(...args)
      figures.redisFailed(args[0])
    },
    watchBreakers(states) {
      sources.breakers = states
      metrics.watchBreakers(states)
    },
  }
}

function feedCaches(
  metrics: Metrics,
  figures: Figures,
  sources: Sources,
): Pick<Metrics, 'answerCache' | 'cache' | 'draftFound' | 'watchCaches'> {
  const { answerCache } = metrics
  return {
    answerCache: {
      ...answerCache,
      served(...args) {
        answerCache.served(...args)
        figures.servedFromCache(args[0])
      },
      missed() {
        answerCache.missed()
        figures.missed('answer')
      },
    },
    cache(type) {
      const counts = metrics.cache(type)
      return {
        given(tier) {
          counts.given(tier)
          figures.hit(type)
        },
        missed() {
          counts.missed()
          figures.missed(type)
        },
        evicted() {
          counts.evicted()
          figures.evicted(type)
        },
      }
    },
    draftFound(...args) {
      metrics.draftFound(...args)
      figures.hit('draft')
    },
    watchCaches(sizes) {
      sources.caches = sizes
      metrics.watchCaches(sizes)
    },
  }
}
