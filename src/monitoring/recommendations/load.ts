import type { RuleFacts, Recommendation, Rule } from './recommendation.ts'
import { ms, percent } from './format.ts'

const minRefused = 20
const refusedShare = 0.05
const idleLoop = 0.5
const busyLoop = 0.7
const lateMs = 100
const busyPerSecond = 50

/** Questions are rejected although nothing in this process is at its limit. */
function admissionTight({ window, pool, limiter, config: { admission } }: RuleFacts): Recommendation | null {
  const refused = window.errorsByCode['overloaded'] ?? 0
  const isIdle =
    (window.poolWaitingMost ?? 0) === 0 && pool.checkedOut < pool.size && (window.eventLoop.utilization ?? 0) < idleLoop
  if (!limiter || refused < minRefused || refused < refusedShare * window.requests || !isIdle) return null
  const isAtCeiling = limiter.limit >= admission.ceiling
  const setting = isAtCeiling ? 'ADMISSION_CEILING' : 'ADMISSION_FLOOR'
  return {
    id: 'admission-tight',
    severity: 'warning',
    setting,
    title: 'Questions are rejected while the process and its database are idle',
    evidence: `${refused} of ${window.requests} rejected in five minutes; the limit is ${limiter.limit} (from ${admission.floor} to ${admission.ceiling}), ${limiter.inFlight} in progress, the event loop is ${percent(window.eventLoop.utilization ?? 0)} busy, no request waited for a connection`,
    action: `Raise ${setting}${isAtCeiling ? '' : ' (and POOL_SIZE, which caps it)'}, or ADMISSION_MAX_WAITING and ADMISSION_MAX_WAIT_MS.`,
  }
}

function loopLate({
  window: {
    eventLoop: { utilization, delayP99Ms },
    perSecond,
  },
}: RuleFacts): Recommendation | null {
  if (utilization === null || delayP99Ms === null || utilization < busyLoop || delayP99Ms < lateMs) return null
  return {
    id: 'event-loop-late',
    severity: 'warning',
    setting: null,
    title: 'One process is not enough',
    evidence: `the event loop is ${percent(utilization)} busy and ${ms(delayP99Ms)} late (p99), at ${perSecond} requests per second`,
    action:
      'Add a replica behind the load balancer. Move a local embedding model or large uploads to a separate process.',
  }
}

function rateLimitTight({ window, config: { rateLimit } }: RuleFacts): Recommendation | null {
  const refused = window.errorsByCode['rate_limited'] ?? 0
  if (refused < minRefused || refused < refusedShare * window.requests) return null
  return {
    id: 'rate-limit-refuses',
    severity: 'info',
    setting: 'RATE_LIMIT',
    title: 'Many requests are rejected by the rate limit',
    evidence: `${refused} of ${window.requests} in five minutes; RATE_LIMIT ${rateLimit.max} in ${rateLimit.seconds} s per client`,
    action:
      'If these clients are legitimate, raise RATE_LIMIT or give them keys with their own limits. Behind a proxy, set ' +
      'TRUST_PROXY: without it all clients count as one.',
  }
}

function tracedWhole({
  window: { perSecond },
  config: {
    telemetry: { endpoint, sampler, samplerArg },
  },
}: RuleFacts): Recommendation | null {
  const isWhole =
    endpoint !== undefined &&
    (sampler === undefined ||
      sampler.endsWith('always_on') ||
      (sampler.endsWith('traceidratio') && Number(samplerArg ?? 1) >= 1))
  if (!isWhole || perSecond < busyPerSecond) return null
  return {
    id: 'traced-whole',
    severity: 'info',
    setting: 'OTEL_TRACES_SAMPLER',
    title: 'Every request is traced',
    evidence: `${perSecond} requests per second, OTEL_TRACES_SAMPLER ${sampler ?? 'unset: all'}`,
    action:
      'Set OTEL_TRACES_SAMPLER=parentbased_traceidratio and OTEL_TRACES_SAMPLER_ARG=0.05: ' +
      'requests that are not sampled cost nothing.',
  }
}

export const loadRules: readonly Rule[] = [admissionTight, loopLate, rateLimitTight, tracedWhole]
