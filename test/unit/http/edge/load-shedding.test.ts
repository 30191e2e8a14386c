import t from 'tap'
import { isAskError } from '../../../../src/errors.ts'
import { createPressureHandler } from '../../../../src/http/edge/load-shedding.ts'
import { edgeApp } from '../../../support/edge.ts'
import { until } from '../../../support/until.ts'

function guard() {
  let at = 0
  const handler = createPressureHandler(() => at)
  return {
    /** One request at this time, while the last sample said so much. */
    isRefused(atMs: number, value: number, type: 'delay' | 'heap' = 'delay'): boolean {
      at = atMs
      try {
        handler(type, value)
        return false
      } catch (error) {
        if (isAskError(error, 'overloaded')) return true
        throw error
      }
    },
  }
}

t.test('the loop was blocked once: nobody is refused', async t => {
  const { isRefused } = guard()
  t.same(
    [0, 50, 249].map(at => isRefused(at, 2000)),
    [false, false, false],
  )
  t.equal(isRefused(60_000, 2100), false, 'nor a minute later, for once more')
})

t.test('late in two samples in a row: refused from the second on, until one is not', async t => {
  const { isRefused } = guard()
  t.same(
    [
      [0, 1200],
      [260, 1300],
      [270, 1300],
      [1600, 1250],
    ].map(([at, value]) => isRefused(at!, value!)),
    [false, true, true, true],
  )
  t.equal(isRefused(10_000, 1200), false, 'some seconds without a request that had to be asked about')
})

t.test('memory is short: refused at once, but for one a sample', async t => {
  const { isRefused } = guard()
  const type = 'heap'
  t.same(
    [
      [0, 900],
      [1, 900],
      [100, 900],
      [260, 910],
      [261, 910],
    ].map(([at, value]) => isRefused(at!, value!, type)),
    [false, true, true, false, true],
  )
})

t.test(
  'a real process that is short of memory: 503, a problem with Retry-After; probes and figures answer',
  async t => {
    const app = await edgeApp({}, { pressure: { maxEventLoopDelayMs: 0, maxHeapShare: 1e-6 } })
    t.teardown(() => app.close())
    const refused = await until('a sample was taken', async () => {
      const reply = await app.inject({ method: 'POST', url: '/search', payload: { question: 'Who?' } })
      return reply.statusCode === 503 ? reply : undefined
    })
    t.match(refused.json(), {
      code: 'overloaded',
      status: 503,
      detail: 'The process is nearly out of memory; try again later.',
      instance: refused.headers['x-request-id'],
    })
    t.equal(refused.headers['retry-after'], '1')
    for (const path of ['/livez', '/readyz', '/startupz', '/metrics'])
      t.equal((await app.inject(path)).statusCode, 200, path)
  },
)

t.test('0: never refused', async t => {
  const app = await edgeApp()
  t.teardown(() => app.close())
  t.equal((await app.inject({ method: 'POST', url: '/search', payload: {} })).statusCode, 400)
})
