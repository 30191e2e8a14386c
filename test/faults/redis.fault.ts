import { atLeast } from '../support/at-least.ts'
import { told } from '../support/redis.ts'
import { allAnswered, runScenario } from './scenario.ts'
import type { World } from './world.ts'

const full = ({ redis }: World, bytes: string) => told(redis, client => client.config('SET', 'maxmemory', bytes))

runScenario({
  name: 'Redis is killed',
  harm: ({ redis }) => redis.kill(),
  heal: ({ redis }) => redis.start(),
  bar: allAnswered,
  found: { culprit: 'redis', codes: ['redis-gone'] },
})
runScenario({
  name: 'Redis is frozen',
  harm: ({ redis }) => redis.freeze(),
  heal: ({ redis }) => redis.thaw(),
  bar: allAnswered,
  found: { culprit: 'redis', codes: ['redis-silent'] },
})
runScenario({
  name: 'Redis is restarted empty, twice',
  async harm({ redis }) {
    await redis.kill()
    await redis.start()
    await atLeast(2000)
    await redis.kill()
    await redis.start()
  },
  bar: allAnswered,
  found: { culprit: 'redis', codes: ['redis-gone', 'redis-reconnected'] },
})
runScenario({
  name: 'Redis has no memory left',
  harm: world => full(world, '1'),
  heal: world => full(world, '0'),
  bar: allAnswered,
  found: { culprit: 'redis', codes: ['redis-full'] },
})
