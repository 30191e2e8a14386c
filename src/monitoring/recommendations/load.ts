import type { RuleFacts, Recommendation, Rule } from './recommendation.ts'
import { admissionTight } from './admission.ts'
import { ms, percent } from './format.ts'
import { busyLoop, minRefused, refusedShare } from './thresholds.ts'

const lateMs = 100
const busyPerSecond = 50

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
  const { address = 0, key = 0 } = window.limitedBy
  const isByKey = key > address
  return {
    id: 'rate-limit-refuses',
    severity: 'info',
    setting: isByKey ? 'KEY_RATE_LIMIT' : 'RATE_LIMIT',
    title: 'Many requests are rejected by the rate limit',
    evidence: `${refused} of ${window.requests} in five minutes; RATE_LIMIT ${rateLimit.max} in ${rateLimit.seconds} s rejected ${address} requests of addresses, KEY_RATE_LIMIT ${rateLimit.keyMax} (or the limit of the key) ${key} requests with keys`,
    action: isByKey
      ? 'If these requests are legitimate, raise KEY_RATE_LIMIT, or the rate_limit of the key that the log names.'
      : 'Give an address that sends the questions of many users, such as a chat backend, an API key: it has a limit of ' +
        'its own (KEY_RATE_LIMIT), and the log names such addresses. Behind a proxy, set TRUST_PROXY: without it all ' +
        'clients count as one. Otherwise raise RATE_LIMIT.',
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
      (sampler.endsWith('traceidratio') && (samplerArg ?? 1) >= 1))
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
