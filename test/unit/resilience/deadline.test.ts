import t from 'tap'
import { isAskError } from '../../../src/errors.ts'
import { startDeadline } from '../../../src/resilience/deadline.ts'
import { manualClock } from '../../support/clock.ts'

const never = () => new AbortController().signal

t.test('at expiry: the signal aborts and the race is lost, with the name of the work', async t => {
  const clock = manualClock()
  const deadline = startDeadline('embed', 50, never(), clock)
  clock.advance(49)
  t.equal(deadline.signal.aborted, false)
  clock.advance(1)
  t.ok(isAskError(deadline.signal.reason, 'deadline_exceeded'))
  await t.rejects(deadline.expired, { code: 'deadline_exceeded', detail: 'embed did not finish within 50 ms' })
})

t.test("a parent's abort passes at once, with its reason", async t => {
  const parent = new AbortController()
  const deadline = startDeadline('embed', 50, parent.signal, manualClock())
  const reason = new Error('gone')
  parent.abort(reason)
  t.equal(deadline.signal.reason, reason)
  await t.rejects(deadline.expired, reason)
})

t.test('a parent that aborted before: aborted from the start', async t => {
  const deadline = startDeadline('embed', 50, AbortSignal.abort(new Error('gone')), manualClock())
  t.ok(deadline.signal.aborted)
})

t.test('no time left: expired from the start', async t => {
  const deadline = startDeadline('embed', 0, never(), manualClock())
  t.equal(deadline.signal.reason.detail, 'no time was left for embed')
})

t.test('stopped: no timer and no listener stays behind', async t => {
  const clock = manualClock()
  const parent = new AbortController()
  const deadline = startDeadline('embed', 50, parent.signal, clock)
  deadline.stop()
  t.equal(clock.pending, 0)
  parent.abort()
  t.equal(deadline.signal.aborted, false)
})

t.test('nobody races: an expiry is no unhandled rejection', async t => {
  const clock = manualClock()
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  startDeadline('embed', 10, never(), clock)
  clock.advance(10)
  await new Promise(resolve => setImmediate(resolve))
  process.off('unhandledRejection', note)
  t.same(rejections, [])
})
