import { errorTable } from '../errors.ts'
import type { Kit } from './kit.ts'

const classes = ['2xx', '3xx', '4xx', '5xx'] as const

/** What the edge sees: replies of any route. */
export function edgeMetrics(kit: Kit) {
  const responses = kit.counter(
    'http_responses_total',
    'Replies, by the class of their status; probes and this page included.',
    { class: classes },
  )
  const byClass = classes.map(each => responses(each))
  const problems = kit.counter(
    'http_problems_total',
    'Replies that say what went wrong, by its code: rate_limited is 429, overloaded a refusal of any guard.',
    { code: Object.keys(errorTable) },
  )
  return {
    responded: (status: number) => byClass[Math.floor(status / 100) - 2]?.add(),
    problem: (code: string) => problems(code).add(),
  }
}
