import tap from 'tap'
import { createEventLoopLag } from '../../../../src/monitoring/figures/event-loop-lag.ts'
import { createServerView } from '../../../../src/monitoring/findings/server-view.ts'
import { manualClock } from '../../../support/clock.ts'

tap.test('lateness: its own work, or not let run; forgotten after ten seconds', async t => {
  let [time, cpu] = [0, 0]
  const lateness = createEventLoopLag(500, { now: () => time, cpuMs: () => cpu })
  const beat = (ms: number, worked: number) => {
    time += ms
    cpu += worked
    lateness.beat()
    return lateness.worst()
  }
  t.same(beat(520, 100), { lateMs: 0, wasBusy: false })
  t.same(beat(2500, 10), { lateMs: 2000, wasBusy: false })
  t.same(beat(1500, 1400), { lateMs: 2000, wasBusy: false }, 'the longest')
  for (let i = 0; i < 18; i++) beat(500, 10)
  t.same(lateness.worst(), { lateMs: 1000, wasBusy: true })
  beat(1100, 10)
  t.same(lateness.worst(), { lateMs: 600, wasBusy: false })
})

tap.test(
  "the server's side: not read while nobody looks; a lock is remembered while the database is left alone",
  async t => {
    const clock = manualClock()
    const free = {
      maxConnections: 100,
      reserved: 3,
      byState: { active: 1, idle: 0, idleInTransaction: 0, other: 0 },
      ours: 1,
      free: 96,
      lock: null,
    }
    const lock = { waiting: 1, longestMs: 900, heldBy: 'process 1 (psql, active)' }
    let next: typeof free | (Omit<typeof free, 'lock'> & { lock: typeof lock }) = free
    let reads = 0
    const view = createServerView({ now: clock.now, read: async () => (reads++, next) })
    const beat = async (isSuspect = false) => {
      view.beat(isSuspect)
      await new Promise(setImmediate)
      return reads
    }
    t.equal(await beat(), 0)
    t.same(view.facts(false), { server: null, lock: null })
    view.markViewed()
    t.equal(await beat(), 1)
    t.equal(await beat(), 1, 'not more often than every five seconds')
    clock.advance(5000)
    t.match(view.facts(false), { server: { free: 96, ageMs: 5000 }, lock: null })
    t.equal(await beat(), 2)
    clock.advance(61_000)
    t.equal(await beat(), 2, 'nobody looks any more')
    next = { ...free, lock }
    t.equal(await beat(true), 3, 'but something is stuck')
    t.same(view.facts(false).lock, lock)
    next = free
    clock.advance(2000)
    await beat(true)
    t.equal(view.facts(false).lock, null, 'it is gone')
    t.same(view.facts(true).lock, lock, 'nothing waits, for nothing is asked')
    clock.advance(60_000)
    t.equal(view.facts(true).lock, null)
  },
)
