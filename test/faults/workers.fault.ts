import { allAnswered, cachedAnswered, runScenario } from './scenario.ts'

/** Two processes on one port. Every other scenario can be played with them, too: `npm run test:faults -- --workers 2`. */

runScenario({
  name: 'two workers: Redis is killed',
  workers: 2,
  harm: ({ redis }) => redis.kill(),
  heal: ({ redis }) => redis.start(),
  bar: allAnswered,
  found: { culprit: 'redis', codes: ['redis-gone'] },
})
runScenario({
  name: 'two workers: Postgres is stopped and started',
  workers: 2,
  harm: ({ postgres }) => postgres.stop('immediate'),
  heal: ({ postgres }) => postgres.start(),
  bar: cachedAnswered,
  found: { culprit: 'database', codes: ['database-unreachable'] },
})
