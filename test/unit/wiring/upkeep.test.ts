import tap, { type Test } from 'tap'
import { openCollectionUpkeep, type Upkeep, type UpkeepOptions } from '../../../src/wiring/upkeep.ts'
import { until } from '../../support/until.ts'

const defaults = {
  quietMs: 1,
  longestMs: 3_600_000,
  retryMs: 1,
  onFailure: (error: unknown) => tap.fail(String(error)),
}

function open(t: Test, options: Partial<UpkeepOptions> & Pick<UpkeepOptions, 'maintain'>): Upkeep {
  const upkeep = openCollectionUpkeep({ ...defaults, ...options })
  t.teardown(upkeep.close)
  return upkeep
}

tap.test('collections are maintained one at a time, each once however often it was written', async t => {
  const gate = Promise.withResolvers<void>()
  const turns: string[] = []
  let atOnce = 0
  const upkeep = open(t, {
    maintain: async name => {
      turns.push(name)
      t.equal(++atOnce, 1)
      if (name === 'a') await gate.promise
      atOnce--
      return 'done'
    },
  })
  upkeep.written('a')
  upkeep.written('a')
  await until('the first has its turn', () => turns.length === 1)
  upkeep.start(async () => [{ name: 'b' }, { name: 'c' }])
  gate.resolve()
  await until('the others had theirs', () => turns.length === 3)
  t.same(turns, ['a', 'b', 'c'])
})

tap.test('what is to be done later has another turn, and so has what failed', async t => {
  const outcomes = ['later', 'fail', 'done'] as const
  const failures: unknown[] = []
  let turns = 0
  const upkeep = open(t, {
    onFailure: (error, about) => failures.push([String(error), about]),
    maintain: async () => {
      const outcome = outcomes[turns++]
      if (outcome === 'fail') throw new Error('broken')
      return outcome ?? 'done'
    },
  })
  upkeep.written('a')
  await until('it is done', () => turns === 3)
  t.same(failures, [['Error: broken', { collection: 'a', pauseMs: 1 }]])
})

tap.test('without a pause to retry after, the next write is the next try', async t => {
  const turns: string[] = []
  let failures = 0
  const upkeep = open(t, {
    retryMs: null,
    onFailure: () => failures++,
    maintain: async name => {
      turns.push(name)
      if (name === 'a') throw new Error('broken')
      return 'done'
    },
  })
  upkeep.written('a')
  await until('it failed', () => failures === 1)
  upkeep.written('b')
  await until('the next had its turn', () => turns.includes('b'))
  t.same(turns, ['a', 'b'])
  upkeep.written('a')
  await until('it is tried again', () => failures === 2)
})

tap.test('a write meanwhile is not put off until a retry', async t => {
  let turns = 0
  const upkeep: Upkeep = open(t, {
    retryMs: 3_600_000,
    maintain: async name => {
      if (++turns === 1) upkeep.written(name)
      return 'later'
    },
  })
  upkeep.written('a')
  await until('the write had its turn', () => turns === 2)
})

tap.test('the pause doubles with each failure, and is the first one again after a success', async t => {
  const pauses: (number | undefined)[] = []
  let turns = 0
  const upkeep = open(t, {
    onFailure: (_, { pauseMs }) => pauses.push(pauseMs),
    maintain: async () => {
      if (++turns !== 4) throw new Error('broken')
      return 'later'
    },
  })
  upkeep.written('a')
  await until('it failed again', () => pauses.length >= 4)
  t.same(pauses.slice(0, 4), [1, 2, 4, 1])
})

tap.test('writes that leave no quiet time do not put the turn off for ever', async t => {
  let turns = 0
  const upkeep = open(t, { quietMs: 1_000_000_000, longestMs: 1, maintain: async () => (turns++, 'done') })
  for (let i = 0; i < 3; i++) upkeep.written('a')
  await until('it had its turn', () => turns === 1)
})

tap.test('collections that cannot be listed are reported', async t => {
  const failures: unknown[] = []
  const upkeep = open(t, {
    onFailure: (error, about) => failures.push([String(error), about]),
    maintain: async () => 'done',
  })
  upkeep.start(async () => await Promise.reject(new Error('no database')))
  await until('it is reported', () => failures.length === 1)
  t.same(failures, [['Error: no database', {}]])
})

tap.test('closing aborts the turn under way without a word, and no other begins', async t => {
  const turns: string[] = []
  const upkeep = open(t, {
    maintain: async (name, signal) => {
      turns.push(name)
      return await new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      )
    },
  })
  upkeep.start(async () => [{ name: 'a' }, { name: 'b' }])
  await until('the first has its turn', () => turns.length === 1)
  await upkeep.close()
  upkeep.written('c')
  upkeep.start(async () => [{ name: 'd' }])
  await upkeep.close()
  t.same(turns, ['a'])
})
