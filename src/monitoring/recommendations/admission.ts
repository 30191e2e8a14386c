import type { RuleFacts, Recommendation } from './recommendation.ts'
import { percent } from './format.ts'
import { busyLoop, minRefused, refusedShare } from './thresholds.ts'

type Advice = Pick<Recommendation, 'setting' | 'title' | 'action'>

/** Questions are rejected because of overload. Names what is scarce, since each cause has a remedy of its own. */
export function admissionTight(facts: RuleFacts): Recommendation | null {
  const {
    window,
    pool,
    limiter,
    config: { admission },
  } = facts
  const refused = window.errorsByCode['overloaded'] ?? 0
  if (!limiter || refused < minRefused || refused < refusedShare * window.requests) return null
  return {
    id: 'admission-tight',
    severity: 'warning',
    ...(ofMemory(facts, refused) ?? ofProcessor(facts) ?? ofConnections(facts) ?? ofSettings(facts, limiter.limit)),
    evidence:
      `${refused} of ${window.requests} rejected in five minutes; ` +
      `the event loop is ${percent(window.eventLoop.utilization ?? 0)} busy, ` +
      `at most ${window.poolWaitingMost ?? 0} requests at a time waited for one of ${pool.size + pool.maxOverflow} connections, ` +
      `the limit is ${Math.floor(limiter.limit)} (from ${admission.floor} to ${admission.ceiling}), ${limiter.inFlight} in progress`,
  }
}

/** Most rejections were made by MAX_HEAP_SHARE, before admission. */
function ofMemory({ window: { shedBy } }: RuleFacts, refused: number): Advice | null {
  if ((shedBy['heap'] ?? 0) <= refused / 2) return null
  return {
    setting: null,
    title: 'Questions are rejected because memory is scarce',
    action:
      'Give Node more heap (NODE_OPTIONS=--max-old-space-size=MB), add a replica behind the load balancer, or lower ' +
      'ANSWER_CACHE_MB and EMBEDDING_CACHE_MB.',
  }
}

function ofProcessor({ window: { eventLoop } }: RuleFacts): Advice | null {
  if ((eventLoop.utilization ?? 0) < busyLoop) return null
  return {
    setting: null,
    title: 'Questions are rejected because the processor is fully used',
    action:
      'Use more cores: more worker processes (WORKERS) or a replica behind the load balancer. Move a local embedding ' +
      'model or large uploads to a separate process.',
  }
}

function ofConnections({ window: { poolWaitingMost }, isEmbedded }: RuleFacts): Advice | null {
  if ((poolWaitingMost ?? 0) === 0) return null
  const title = 'Questions are rejected because searches wait for a database connection'
  return isEmbedded
    ? {
        setting: 'DATABASE_URL',
        title,
        action: 'The embedded database runs one query at a time. Use a Postgres server: set DATABASE_URL.',
      }
    : {
        setting: 'POOL_SIZE',
        title,
        action:
          'If Postgres has processor time and connections to spare, raise POOL_SIZE. Otherwise make it faster: more ' +
          'cores, or more memory for its indexes.',
      }
}

/** Nothing of this machine is used up: a setting is the limit. */
function ofSettings({ window: { refusedBy }, config }: RuleFacts, limit: number): Advice {
  const title = 'Questions are rejected while the processor and the database have room'
  const all = Object.values(refusedBy).reduce((sum, count) => sum + count, 0)
  if ((refusedBy['queue'] ?? 0) > all / 2)
    return {
      setting: 'ADMISSION_MAX_WAITING',
      title,
      action: 'The queue was full: raise ADMISSION_MAX_WAITING.',
    }
  if (limit >= config.admission.ceiling)
    return {
      setting: 'ADMISSION_CEILING',
      title,
      action: 'The limit cannot grow: raise ADMISSION_CEILING, or let questions wait longer (ADMISSION_MAX_WAIT_MS).',
    }
  return {
    setting: 'ADMISSION_MAX_WAIT_MS',
    title,
    action:
      'Let questions wait longer if their callers do: raise ADMISSION_MAX_WAIT_MS. The limit is low because searches ' +
      'take longer when more run at once; see which stage does.',
  }
}
