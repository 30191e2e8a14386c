import tap from 'tap'
import { createEventLoopLag } from '../../../../src/monitoring/figures/event-loop-lag.ts'
import { createOneMinute } from '../../../../src/monitoring/figures/one-minute.ts'
import { createRecentCounts } from '../../../../src/monitoring/figures/recent-counts.ts'
import { createServerView } from '../../../../src/monitoring/findings/server-view.ts'
import { manualClock } from '../../../support/clock.ts'

tap.test('recent: counts of the last seconds, and no longer', async t => {
  const clock = manualClock()
  const recent = createRecentCounts(clock.now)
  t.equal(recent.times('a', 10), 0)
  recent.count('a')
  clock.advance(5000)
  recent.count('a', 2)
  t.equal(recent.times('a', 10), 3)
  t.equal(recent.times('a', 4), 2)
  t.equal(recent.times('b', 10), 0)
  clock.advance(6000)
  t.equal(recent.times('a', 10), 2)
  t.equal(recent.times('a', 60), 3)
  clock.advance(120_000)
  t.equal(recent.times('a', 60), 0, 'the ring has gone round')
})

tap.test('minute: quantiles of the last minute in milliseconds, null where nothing was', async t => {
  const clock = manualClock()
  const minute = createOneMinute(clock.now)
  t.same(minute.quantiles(), { count: 0, p50: null, p95: null, p99: null, max: null })
  for (let ms = 1; ms <= 100; ms++) minute.record(ms)
  const { count, p50, p95, max } = minute.quantiles()
  t.equal(count, 100)
  t.ok(Math.abs(p50! - 50) < 1.5 && Math.abs(p95! - 95) < 1.5 && Math.abs(max! - 100) < 1.5, `${p50} ${p95} ${max}`)
  clock.advance(30_000)
  minute.record(0.2)
  t.match(minute.quantiles(), { count: 101 })
  clock.advance(45_000)
  t.match(minute.quantiles(), { count: 1, p50: 0.2, max: 0.2 })
  clock.advance(600_000)
  t.equal(minute.quantiles().count, 0)
})

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
