import { join } from 'node:path'
import t from 'tap'
import {
  compare,
  figureOf,
  isFailure,
  readBaseline,
  writeBaseline,
  type Baseline,
} from '../../../bench/latency/compare.ts'
import type { Figure } from '../../../bench/latency/terms.ts'

/** Turns around a ratio, so far apart to each side (a share of it); the control stands still unless said otherwise. */
const figure = (
  ratio: number,
  {
    apart = 0,
    better = 'more',
    name = 'hot: speed',
    controls = [100, 100],
  }: { apart?: number; better?: Figure['better']; name?: string; controls?: number[] } = {},
): Figure => ({
  name,
  better,
  controls,
  turns: [ratio * (1 - apart), ratio, ratio * (1 + apart)],
})

const baseline = (...figures: Figure[]): Baseline => ({
  commit: 'abc',
  date: 'then',
  figures: Object.fromEntries(figures.map(each => [each.name, figureOf(each)])),
})

const verdict = (before: Figure, now: Figure) => compare(baseline(before), [now], ['hot'], 0.15)[0]?.verdict

t.test('more is better: a loss of more than 15 % is one, of 15 % is none', async t => {
  t.equal(verdict(figure(1), figure(0.84)), 'lost')
  t.equal(verdict(figure(1), figure(0.86)), 'kept')
  t.equal(verdict(figure(1), figure(1.1)), 'kept')
  t.equal(verdict(figure(1), figure(1.2)), 'better')
})

t.test('less is better: the same the other way round', async t => {
  const less = (ratio: number) => figure(ratio, { better: 'less' })
  t.equal(verdict(less(2), less(2.4)), 'lost')
  t.equal(verdict(less(2), less(2.3)), 'kept')
  t.equal(verdict(less(2), less(1.5)), 'better')
})

t.test('half as fast and twice as slow are the same loss', async t => {
  const [faster] = compare(baseline(figure(1)), [figure(0.5)], ['hot'], 0.15)
  const [slower] = compare(baseline(figure(1, { better: 'less' })), [figure(2, { better: 'less' })], ['hot'], 0.15)
  t.equal(faster?.loss, 0.5)
  t.equal(slower?.loss, 0.5)
})

t.test('a loss that is smaller than the noise, before or now, cannot be told and does not fail', async t => {
  t.equal(verdict(figure(1), figure(0.7, { apart: 0.4 })), 'noisy')
  t.equal(verdict(figure(1, { apart: 0.4 }), figure(0.7)), 'noisy')
  t.equal(verdict(figure(1, { apart: 0.2 }), figure(0.7, { apart: 0.2 })), 'lost')
  t.notOk(compare(baseline(figure(1)), [figure(0.7, { apart: 0.4 })], ['hot'], 0.15).some(isFailure))
})

t.test('a control that swings wildly makes a small loss untold, and a great one is told all the same', async t => {
  const wild = [50, 100, 150]
  t.equal(verdict(figure(1), figure(0.7, { controls: wild })), 'noisy')
  t.equal(verdict(figure(1), figure(0.4, { controls: wild })), 'lost')
  t.equal(verdict(figure(1), figure(0.7, { controls: [80, 100, 120] })), 'lost')
})

t.test('what is not measured any more fails, unless its scenario was not to run; what is new does not', async t => {
  const before = baseline(figure(1), figure(1, { name: 'cold: speed' }))
  const found = compare(before, [figure(1, { name: 'hot: other' })], ['hot'], 0.15)
  t.same(
    found.map(({ name, verdict }) => [name, verdict]),
    [
      ['hot: other', 'new'],
      ['hot: speed', 'missing'],
    ],
  )
  t.same(found.map(isFailure), [false, true])
})

t.test('a ratio that is no number is one that was not measured', async t => {
  t.equal(verdict(figure(1), figure(NaN)), 'missing')
})

t.test('written and read: four figures; what was not measured now stays', async t => {
  const path = join(t.testdir({}), 'baseline.json')
  writeBaseline(path, baseline(figure(1 / 3), figure(2, { name: 'cold: speed' })), ['hot', 'cold'])
  writeBaseline(path, baseline(figure(0.5, { name: 'hot: other' })), ['hot'])
  t.same(Object.keys(readBaseline(path).figures).sort(), ['cold: speed', 'hot: other'])
  writeBaseline(path, baseline(figure(1 / 3)), ['hot', 'cold'])
  t.same(readBaseline(path).figures, { 'hot: speed': { better: 'more', ratio: 0.3333, least: 0.3333, most: 0.3333 } })
})

t.test('a file that is no baseline is refused', async t => {
  const folder = t.testdir({ 'null.json': 'null', 'list.json': '[]' })
  for (const name of ['null.json', 'list.json'])
    t.throws(() => readBaseline(join(folder, name)), /is no baseline: --write-baseline makes one/)
})
