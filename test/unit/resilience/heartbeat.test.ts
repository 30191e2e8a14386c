import t from 'tap'
import { createHeartbeat } from '../../../src/resilience/heartbeat.ts'
import { until } from '../../support/until.ts'

t.test(
  'a server that stops answering is down after two misses, and up with its next answer; changes are told once',
  async t => {
    let answers: () => Promise<boolean> = async () => true
    const changes: boolean[] = []
    let underWay = 0
    let most = 0
    const pulse = createHeartbeat({
      intervalMs: 2,
      limitMs: 5,
      onChange: isDown => changes.push(isDown),
      ping: async () => {
        most = Math.max(most, ++underWay)
        try {
          return await answers()
        } finally {
          underWay -= 1
        }
      },
    })
    t.teardown(pulse.stop)
    t.notOk(pulse.isDown())

    answers = async () => {
      throw new Error('refused')
    }
    await until('it is down', () => pulse.isDown())
    answers = async () => true
    await until('it is up', () => !pulse.isDown())

    const { promise, resolve } = Promise.withResolvers<boolean>()
    answers = () => promise
    await until('it is down when it says nothing', () => pulse.isDown())
    answers = async () => true
    resolve(true)
    await until('it is up', () => !pulse.isDown())
    t.same(changes, [true, false, true, false])
    t.equal(most, 1, 'a server that hangs is not asked again')
  },
)

t.test('one miss is no death', async t => {
  let beats = 0
  const changes: boolean[] = []
  const pulse = createHeartbeat({
    intervalMs: 1,
    limitMs: 1000,
    onChange: isDown => changes.push(isDown),
    ping: async () => ++beats % 2 === 0,
  })
  t.teardown(pulse.stop)
  await until('it beat ten times', () => beats >= 10)
  t.same(changes, [])
})
