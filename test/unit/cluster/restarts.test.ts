import t from 'tap'
import { createRestarts } from '../../../src/cluster/restarts.ts'

const killed = { code: null, signal: 'SIGKILL' } as const
const failed = { code: 1, signal: null }

function world() {
  let time = 0
  const restarts = createRestarts(() => time)
  return {
    restarts,
    /** The worker becomes ready, and ends after this time. */
    after(ms: number, how: Parameters<typeof restarts.ended>[0]) {
      restarts.started()
      time += ms
      return restarts.ended(how)
    },
  }
}

t.test('a worker that ran for long is replaced at once, however it ended', async t => {
  const { after } = world()
  for (let i = 0; i < 3; i++) t.same(after(60_000, killed), { reason: 'killed', pauseMs: 0 })
  t.same(after(60_000, failed), { reason: 'failed', pauseMs: 0 })
  t.same(after(60_000, { code: null, signal: 'SIGSEGV' }), { reason: 'failed', pauseMs: 0 })
  t.same(after(10, { code: 0, signal: null }), { reason: 'stopped', pauseMs: 0 })
})

t.test('one that ends at once again and again: the pause doubles, up to half a minute', async t => {
  const { after } = world()
  const pauses = Array.from({ length: 9 }, () => after(100, failed).pauseMs)
  t.same(pauses, [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  t.equal(after(60_000, failed).pauseMs, 0, 'it has been steady')
  t.equal(after(100, failed).pauseMs, 0, 'and starts from the beginning')
})

t.test('one that never becomes ready is not started again without a pause', async t => {
  const { restarts } = world()
  const pauses = Array.from({ length: 4 }, () => restarts.ended(failed).pauseMs)
  t.same(pauses, [250, 500, 1000, 2000])
})
