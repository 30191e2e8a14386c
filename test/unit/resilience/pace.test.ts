import tap from 'tap'
import { createPace } from '../../../src/resilience/pace.ts'
import { manualClock } from '../../support/clock.ts'

function paceOf() {
  const clock = manualClock()
  const pace = createPace(clock)
  const step = (ms: number) => pace.step(async () => void clock.advance(ms))
  return { clock, ...pace, step }
}

tap.test('without questions, one step follows another at once', async t => {
  const { clock, step } = paceOf()
  for (let each = 0; each < 3; each++) await step(40)
  t.equal(clock.now(), 120)
  t.equal(clock.pending, 0)
})

tap.test('while questions are asked, a pause of twice its time follows each step', async t => {
  const { clock, step, questionAsked } = paceOf()
  questionAsked()
  let ended = false
  const running = step(40).then(() => (ended = true))
  await new Promise(setImmediate)
  clock.advance(79)
  await new Promise(setImmediate)
  t.equal(ended, false)
  clock.advance(1)
  await running
  t.equal(ended, true)
})

tap.test('a pause is a quarter of a second at most, and there is none a second after the last question', async t => {
  const { clock, step, questionAsked } = paceOf()
  questionAsked()
  const running = step(900)
  await new Promise(setImmediate)
  t.equal(clock.pending, 1)
  clock.advance(250)
  await running
  await step(40)
  t.equal(clock.pending, 0)
})

tap.test('a step that fails is not followed by a pause', async t => {
  const clock = manualClock()
  const { step, questionAsked } = createPace(clock)
  questionAsked()
  const failing = step(async () => {
    clock.advance(40)
    return await Promise.reject(new Error('no'))
  })
  await t.rejects(failing, { message: 'no' })
  t.equal(clock.pending, 0)
})
