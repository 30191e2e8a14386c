import { atLeast } from '../support/at-least.ts'
import { clientOf } from '../support/service.ts'
import { until } from '../support/until.ts'
import { allAnswered, answeredOrRefused, runScenario, type Underway } from './scenario.ts'
import { paced, type World } from './world.ts'

runScenario({ name: 'no fault', harm: () => undefined, bar: allAnswered, found: null })

runScenario({
  name: 'SIGTERM under load, and another process takes over',
  settings: { DRAIN_DELAY_MS: '2000' },
  timeoutMs: 10_000,
  harm: replace,
  bar: allAnswered,
  found: { culprit: 'process', codes: ['draining'] },
})

/** As a load balancer sees it: questions go on until the service is seen to be unready, none is lost. */
async function replace(world: World, { t, load }: Underway): Promise<void> {
  world.model.chat.behave(paced({ perTokenMs: 40 }))
  await atLeast(1000) // by then many answers are being written
  const { service } = world
  service.signal('SIGTERM')
  await until(
    'it says that it is unready',
    async () => (await clientOf(world.url).send('GET', '/readyz')).status === 503,
  )
  load.pause()
  t.same(await service.exited(), { code: 0, signal: null })
  t.equal(service.stderr, '')
  t.equal(load.underWay.size, 0, 'every question that was sent has its answer')
  world.model.chat.behave(paced())
  await world.restart()
  load.resume()
}

runScenario({
  name: 'the process stands still for 2 s',
  // Those that wait in the kernel meanwhile are to be answered, not to be told that their time is over.
  timeoutMs: 10_000,
  async harm({ service, workerPids }) {
    const pids = [service.pid, ...workerPids()]
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await atLeast(2000)
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  },
  bar: answeredOrRefused,
  found: { culprit: 'process', codes: ['process-stood-still'] },
})
