import { errorTable } from '../errors.ts'
import type { Subscriber } from '../events.ts'
import type { Kit } from './kit.ts'

const classes = ['2xx', '3xx', '4xx', '5xx'] as const

/** HTTP responses of all routes. */
export function edgeMetrics(kit: Kit): Subscriber {
  const responses = kit.counter(
    'http_responses_total',
    'HTTP responses by status class, including probes and /metrics.',
    { class: classes },
  )
  const byClass = classes.map(each => responses(each))
  const problems = kit.counter(
    'http_problems_total',
    'Problem responses by code: rate_limited is a 429, overloaded a rejection by any overload guard.',
    { code: Object.keys(errorTable) },
  )
  const limited = kit.counter('rate_limited_total', 'Requests rejected by the rate limit of an address or of a key.', {
    by: ['address', 'key'],
  })
  const delayed = kit.counter(
    'rate_limit_waits_total',
    'Questions over KEY_RATE_LIMIT that waited for the next window of their key.',
  )
  return {
    requestLimited: by => limited(by).add(),
    requestDelayed: () => delayed().add(),
    responseSent: status => byClass[Math.floor(status / 100) - 2]?.add(),
    problemSent: code => problems(code).add(),
  }
}
