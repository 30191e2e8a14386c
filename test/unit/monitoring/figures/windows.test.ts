import t from 'tap'
import { createRollingWindows, slotMs } from '../../../../src/monitoring/figures/windows.ts'
import { manualClock } from '../../../support/clock.ts'

const minute = 60_000

function started(charted: Record<string, readonly string[]> = {}) {
  const clock = manualClock()
  return { clock, windows: createRollingWindows({ now: clock.now, charted }) }
}

/** The smallest that at least this share of the values is not above. */
function exact(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * share) - 1]!
}

/** 0…1, the same each time. */
function scattered(seed = 1): () => number {
  let state = seed
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
}

t.test('quantiles over many slots are those of all values, to one in a hundred', async t => {
  const { clock, windows } = started()
  const random = scattered()
  const values: number[] = []
  for (let slot = 0; slot < 27; slot++) {
    for (let count = 0; count < 300; count++) {
      // From a tenth of a millisecond to a minute, with a long tail.
      const value = 0.1 * 600_000 ** (random() ** 2)
      values.push(value)
      windows.record('x', value)
    }
    clock.advance(slotMs)
  }
  const spread = windows.read('15m').spread('x')
  t.equal(spread.count, values.length)
  for (const [name, share] of [
    ['p50', 0.5],
    ['p95', 0.95],
    ['p99', 0.99],
    ['max', 1],
  ] as const) {
    const wanted = exact(values, share)
    t.ok(Math.abs(spread[name]! - wanted) <= 0.011 * wanted + 0.05, `${name}: ${spread[name]} for ${wanted}`)
  }
})

t.test('series together have the quantiles of all their values', async t => {
  const { windows } = started()
  for (let ms = 1; ms <= 100; ms++) windows.record(ms % 2 === 0 ? 'even' : 'odd', ms)
  const { count, p50, max } = windows.read('1m').spread('even', 'odd')
  t.equal(count, 100)
  t.ok(Math.abs(p50! - 50) <= 0.6)
  t.ok(Math.abs(max! - 100) <= 1)
  t.equal(windows.read('1m').spread('even').count, 50)
})

t.test('what leaves a window is forgotten by it alone', async t => {
  const { clock, windows } = started()
  const counts = () => (['1m', '5m', '15m'] as const).map(length => windows.read(length).count('x'))
  windows.add('x')
  windows.record('y', 5)
  t.same(counts(), [1, 1, 1])
  clock.advance(minute - 1)
  t.same(counts(), [1, 1, 1], 'to the last millisecond')
  clock.advance(1)
  windows.add('x')
  t.same(counts(), [2, 2, 2], 'a slot that began a minute ago lies wholly in it')
  clock.advance(slotMs)
  t.same(counts(), [1, 2, 2])
  clock.advance(4 * minute)
  t.same(counts(), [0, 1, 2])
  clock.advance(10 * minute)
  t.same(counts(), [0, 0, 1])
  clock.advance(minute)
  t.same(counts(), [0, 0, 0])
  t.equal(windows.read('15m').spread('y').count, 0)
})

t.test('nothing happened for an hour: nothing is left, and it goes on', async t => {
  const { clock, windows } = started({ y: ['y'] })
  windows.add('x', 3)
  windows.record('y', 5)
  clock.advance(60 * minute)
  t.equal(windows.read('15m').count('x'), 0)
  t.same(
    windows.chart().points.filter(point => point !== undefined),
    [],
  )
  t.equal(windows.chart().points.length, 90)
  windows.add('x')
  windows.record('y', 7)
  t.equal(windows.read('1m').count('x'), 1)
  t.same(windows.read('5m').spread('y').count, 1, 'a histogram that is used again is empty')
})

t.test('a window says how long it really is', async t => {
  const { clock, windows } = started()
  clock.advance(7000)
  t.equal(windows.read('15m').seconds, 7)
  clock.advance(73_000)
  t.equal(windows.read('1m').seconds, 60)
  clock.advance(5000)
  t.equal(windows.read('1m').seconds, 55, 'whole slots of ten seconds')
  clock.advance(60 * minute)
  const { seconds } = windows.read('5m')
  t.ok(seconds > 240 && seconds <= 300, `${seconds} s, whole minutes`)
})

t.test('a chart has a point a slot, oldest first, without the one that is open', async t => {
  const { clock, windows } = started({ y: ['y'] })
  windows.add('x', 2)
  windows.record('y', 10)
  windows.peak('level', 3)
  windows.peak('level', 2)
  clock.advance(3 * slotMs)
  windows.add('x', 9)
  const { agoMs, points } = windows.chart()
  t.equal(agoMs, 3 * slotMs)
  t.equal(points.length, 3)
  t.equal(points[0]?.count('x'), 2)
  t.equal(points[0]?.peak('level'), 3)
  t.ok(Math.abs(points[0]!.spread('y').p95! - 10) < 0.1)
  t.same([points[1], points[2]], [undefined, undefined])
  t.equal(windows.read('1m').peak('level'), 3)
  t.equal(windows.read('1m').peak('none'), null)
})

t.test('times that no request has are kept in bounds', async t => {
  const { windows } = started()
  for (const ms of [0, -1, 1e9]) windows.record('x', ms)
  t.equal(windows.read('1m').spread('x').count, 3)
})
