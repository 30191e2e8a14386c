import tap from 'tap'
import { attacks, attacksNamed } from '../../hostile/attacks.ts'
import { createPace, seeded } from '../../hostile/hand.ts'
import { operations } from '../../support/fuzz-requests.ts'

tap.test('attacks: every operation of openapi.yaml stands in a row that names it', async t => {
  const named = new Set(attacks.flatMap(({ routes }) => (routes === 'any' ? [] : routes)))
  const documented = operations.map(({ method, path }) => `${method} ${path}`)
  t.same(
    documented.filter(route => !named.has(route)),
    [],
    'nobody attacks these: add a row to test/hostile/attacks',
  )
  t.same(
    [...named].filter(route => !documented.includes(route)),
    [],
    'these are attacked and not documented',
  )
})

tap.test('attacks: their names differ, and a part of one finds it', async t => {
  t.equal(new Set(attacks.map(({ name }) => name)).size, attacks.length)
  t.same(
    attacksNamed('two host headers').map(({ name }) => name),
    ['two Host headers, and other heads that two readers read in two ways'],
  )
  t.throws(() => attacksNamed('politeness'), /no attack is called "politeness"; there are:\n {2}unchanged documents/)
})

tap.test('attacks: the same seed makes the same choices', async t => {
  const [one, same, other] = [7, 7, 8].map(seed => Array.from({ length: 5 }, seeded(seed)))
  t.same(one, same)
  t.notSame(one, other)
  t.ok([...one!, ...other!].every(value => value >= 0 && value < 1))
})

tap.test('attacks: all lanes together stay within the default rate limit', async t => {
  let now = 0
  const waits: number[] = []
  const pace = createPace({ now: () => now, sleep: async ms => void waits.push(ms) })
  const { signal } = new AbortController()
  for (let nth = 0; nth < 100; nth++) await pace.take(signal)
  t.ok(waits.at(-1)! >= 10_000, 'the hundredth of a window is sent in the next')
  now = 60_000
  waits.length = 0
  await pace.take(signal)
  t.same(waits, [], 'who has waited may go on at once')
})
