import tap from 'tap'
import type { Finding } from '../../../../src/monitoring/findings/findings.ts'
import { createHysteresis, createFindingLog } from '../../../../src/monitoring/findings/hysteresis.ts'
import { manualClock } from '../../../support/clock.ts'

const gone: Finding = { culprit: 'redis', severity: 'warning', code: 'redis-gone', detail: 'x' }

tap.test('a finding: told once, when it has held for a second; over when it was gone for three', async t => {
  const clock = manualClock()
  const turned = createFindingLog(clock.now)
  t.same(turned([gone]).started, [])
  clock.advance(1000)
  t.same(turned([gone]).started, [gone])
  clock.advance(500)
  t.same(turned([gone]), { started: [], ended: [] }, 'not again')
  clock.advance(2500)
  t.same(turned([]).ended, [], 'not yet')
  clock.advance(500)
  t.same(turned([]).ended, [{ finding: gone, ms: 1500 }])
  t.same(turned([]), { started: [], ended: [] })
})

tap.test('a finding of a moment, and one that comes and goes: not told, or once', async t => {
  const clock = manualClock()
  const turned = createFindingLog(clock.now)
  let told = 0
  for (let beat = 0; beat < 20; beat++) {
    told += turned(beat % 2 === 0 ? [gone] : []).started.length
    clock.advance(500)
  }
  t.equal(told, 0)
  for (let beat = 0; beat < 20; beat++) {
    told += turned(beat < 3 || beat % 2 === 0 ? [gone] : []).started.length
    clock.advance(500)
  }
  t.equal(told, 1)
})

tap.test('a finding that becomes graver: told again', async t => {
  const clock = manualClock()
  const turned = createFindingLog(clock.now)
  const grave: Finding = { ...gone, severity: 'critical' }
  for (const [finding, started] of [
    [gone, 0],
    [gone, 1],
    [grave, 1],
    [gone, 0],
    [grave, 0],
  ] as const) {
    t.equal(turned([finding]).started.length, started)
    clock.advance(1000)
  }
})

tap.test('a verdict: told when it has held for a second, with the one before', async t => {
  const clock = manualClock()
  const turned = createHysteresis<'ok' | 'down'>('ok', clock.now)
  t.equal(turned('down'), null)
  clock.advance(500)
  t.equal(turned('ok'), null, 'it was a moment')
  t.equal(turned('down'), null)
  clock.advance(1000)
  t.equal(turned('down'), 'ok')
  clock.advance(5000)
  t.equal(turned('down'), null)
  t.equal(turned('ok'), null)
  clock.advance(1000)
  t.equal(turned('ok'), 'down')
})
