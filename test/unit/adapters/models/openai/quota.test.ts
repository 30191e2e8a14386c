import tap from 'tap'
import { quotaPauseMs } from '../../../../../src/adapters/models/openai/quota.ts'

const pauseOf = (limit: string, remaining: string, reset: string) =>
  quotaPauseMs(
    new Headers({
      'x-ratelimit-limit-requests': limit,
      'x-ratelimit-remaining-requests': remaining,
      'x-ratelimit-reset-requests': reset,
    }),
  )

tap.test('nothing is left: the time until one more call is accepted', async t => {
  for (const [limit, reset, ms] of [
    ['500', '60s', 120],
    ['60', '1m0s', 1000],
    ['3', '20ms', 20 / 3],
    ['1', '6m0s', 360_000],
    ['10', '1h30m12.5s', 541_250],
    ['1', '2', 2000],
    ['', '1s', 1000],
  ] as const)
    t.equal(pauseOf(limit, '0', reset), ms, `${limit} in ${reset}`)
})

tap.test('something is left, or the headers say nothing that can be read: no pause', async t => {
  t.equal(pauseOf('500', '499', '120ms'), 0)
  t.equal(quotaPauseMs(new Headers()), 0)
  for (const reset of ['', 'soon', '-1s', '1x', '2026-11-29T00:00:00Z', `${'9'.repeat(40)}s`, '1s 2s'])
    t.equal(pauseOf('10', '0', reset), 0, reset)
})
