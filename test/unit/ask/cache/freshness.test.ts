import fc from 'fast-check'
import t from 'tap'
import {
  ageOf,
  isBetterThanNothing,
  isRefreshDue,
  isWanted,
  type CachedAnswer,
} from '../../../../src/ask/cache/freshness.ts'
import type { Answer } from '../../../../src/ask/terms/answer.ts'
import type { CacheDirectives } from '../../../../src/ask/terms/caching.ts'
import { noUsage } from '../../../../src/ask/terms/usage.ts'

const answer: Answer = {
  text: 'Quote. [1]',
  abstained: false,
  language: 'en',
  mode: 'fast',
  citations: [],
  passages: [],
  cache: { status: 'miss' },
  degraded: [],
  generator: 'extractive',
  model: null,
  usage: noUsage,
}
/** Made at 10 s, fresh until 70 s. */
const found: CachedAnswer = { answer, madeAt: 10_000, freshUntil: 70_000, tookMs: 1000 }

t.test('the age is in whole seconds, and never below zero where clocks differ', async t => {
  t.same(
    [10_000, 10_999, 11_000, 9000].map(now => ageOf(found, now)),
    [0, 0, 1, 0],
  )
})

const wanted: [CacheDirectives, at: number, boolean][] = [
  [{}, 70_000, true],
  [{}, 70_001, false],
  [{ maxAge: 30 }, 40_000, true],
  [{ maxAge: 30 }, 40_001, false],
  [{ maxAge: 0 }, 10_001, false],
  [{ maxAge: 1000 }, 70_001, false],
  [{ maxStale: 5 }, 75_000, true],
  [{ maxStale: 5 }, 75_001, false],
  [{ maxStale: Infinity }, 1e12, true],
  [{ maxStale: Infinity, maxAge: 30 }, 40_001, false],
]
for (const [wishes, at, isGiven] of wanted) {
  t.test(
    `made at 10 s and fresh until 70 s, at ${at / 1000} s ${isGiven ? 'it fits' : 'it does not fit'} ${JSON.stringify({ ...wishes, ...(wishes.maxStale === Infinity ? { maxStale: 'any' } : {}) })}`,
    async t => {
      t.equal(isWanted(found, wishes, at), isGiven)
    },
  )
}

t.test('instead of nothing it is given so many seconds past its time, and not one more', async t => {
  t.same(
    [70_000, 80_000, 80_001].map(now => isBetterThanNothing(found, 10, now)),
    [true, true, false],
  )
})

t.test('a refresh is never due for what took no time, and always past its time', async () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(fc.property(random, random => !isRefreshDue({ ...found, tookMs: 0 }, 69_999, random)))
  fc.assert(
    fc.property(random, fc.integer({ min: 70_000, max: 1e9 }), (random, now) => isRefreshDue(found, now, random)),
  )
})

t.test('a refresh that is due stays due: nearer the end, for what takes longer, for a smaller draw', async () => {
  const random = fc.double({ min: 1e-9, max: 1, noNaN: true })
  const times = fc.record({
    now: fc.integer({ min: 10_000, max: 69_000 }),
    later: fc.nat(1000),
    tookMs: fc.nat(20_000),
    longer: fc.nat(5000),
    random,
    smaller: random,
  })
  fc.assert(
    fc.property(
      times,
      ({ now, later, tookMs, longer, random, smaller }) =>
        !isRefreshDue({ ...found, tookMs }, now, random) ||
        isRefreshDue({ ...found, tookMs: tookMs + longer }, now + later, random * smaller),
    ),
    { numRuns: 1000 },
  )
})

t.test('what takes a second is renewed a second before its end in one of e questions (XFetch with β = 1)', async t => {
  const draws = Array.from({ length: 10_000 }, (_, i) => (i + 0.5) / 10_000)
  const due = (msLeft: number) =>
    draws.filter(random => isRefreshDue(found, found.freshUntil - msLeft, random)).length / draws.length
  t.ok(Math.abs(due(1000) - Math.exp(-1)) < 1e-3)
  t.ok(Math.abs(due(3000) - Math.exp(-3)) < 1e-3)
})
