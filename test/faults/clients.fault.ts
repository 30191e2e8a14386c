import { idlers, leavers, tricklers } from '../support/crowd.ts'
import { administer } from '../support/postgres.ts'
import { clientOf } from '../support/service.ts'
import { until } from '../support/until.ts'
import { allAnswered, runScenario } from './scenario.ts'
import type { World } from './world.ts'

runScenario({
  name: 'clients: 200 leave at any moment',
  harm: ({ url }) =>
    leavers(url, 200, 5000, count => `How much does a place in the dormitory cost who leaves as number ${count}?`),
  bar: allAnswered,
  found: { culprit: 'clients', codes: ['clients-leave'] },
  async afterwards(t, world) {
    await until('no query runs', async () => (await activeQueries(world)) === 0)
    await until('no connection is in use', async () => (await inUse(world)) === 0)
    await until('no connection to the model is open', () => world.model.openSockets === 0)
    t.ok(world.model.chat.aborted > 0, 'some of them left while the model wrote')
  },
})
runScenario({
  name: 'clients: 500 connect and say nothing',
  harm: ({ url }, { signal }) => idlers(url, 500, signal),
  bar: allAnswered,
  found: { culprit: 'clients', codes: ['clients-say-nothing'] },
})
runScenario({
  name: 'clients: 200 send their questions a byte at a time',
  harm: ({ url }, { signal }) => tricklers(url, 200, signal),
  bar: allAnswered,
  found: { culprit: 'clients', codes: ['clients-trickle'] },
})

async function activeQueries({ postgres }: World): Promise<number> {
  const rows = await administer(
    postgres.adminUrl,
    sql => sql`select from pg_stat_activity where application_name like 'askwell%' and state = 'active'`,
  )
  return rows.length
}

async function inUse({ url }: World): Promise<number> {
  const { text } = await clientOf(url).send('GET', '/metrics')
  return Number(/^askwell_pool_checked_out (\d+)$/m.exec(text)?.[1])
}
