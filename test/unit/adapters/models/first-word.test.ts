import t from 'tap'
import { createFirstWord } from '../../../../src/adapters/models/first-word.ts'
import { createReadingPace } from '../../../../src/adapters/models/reading-pace.ts'
import { promptRoom } from '../../../../src/ask/generation/prompt-room.ts'

t.test('a model that is quick: the least limit', async t => {
  const { limitMs, waited } = createFirstWord({ leastMs: 10_000 })
  t.equal(limitMs(), 20_000, 'nothing is known')
  for (let i = 0; i < 30; i++) waited(400, false)
  t.equal(limitMs(), 10_000)
  waited(10_000, true)
  t.equal(limitMs(), 10_000, 'one that hangs once changes nothing')
})

t.test('a model that is slow: twice what it usually needs, and it gets through after the first cut', async t => {
  const { limitMs, waited, status } = createFirstWord({ leastMs: 10_000 })
  waited(20_000, true)
  t.equal(limitMs(), 30_000)
  t.match(status(), { limitMs: 30_000, usualMs: null, calls: 1, cut: 1, isFixed: false })
  for (let i = 0; i < 10; i++) waited(13_000, false)
  t.equal(limitMs(), 26_000)
  t.match(status(), { usualMs: 13_000, calls: 11, cut: 1 })
  for (let i = 0; i < 20; i++) waited(300, false)
  t.equal(limitMs(), 10_000, 'quick again')
})

t.test('a model that never answers is not waited for much longer', async t => {
  const { limitMs, waited } = createFirstWord({ leastMs: 1000 })
  for (let i = 0; i < 10; i++) {
    waited(limitMs(), true)
    t.ok(limitMs() <= 3000)
  }
})

t.test('a limit that the operator has set stays', async t => {
  const { limitMs, waited, status } = createFirstWord({ leastMs: 1000, fixedMs: 45_000 })
  waited(40_000, false)
  t.equal(limitMs(), 45_000)
  t.match(status(), { isFixed: true })
})

t.test('cuts of more than ten minutes ago are not reported', async t => {
  let now = 0
  const { waited, status } = createFirstWord({ leastMs: 1000, clock: { now: () => now } })
  waited(1000, true)
  now = 11 * 60_000
  waited(500, false)
  t.match(status(), { calls: 1, cut: 0 })
})

const promptOf = (words: number) => ({
  system: '',
  messages: [{ role: 'user', content: 'word '.repeat(words) }] as const,
  maxTokens: 10,
})

t.test('a model that reads slowly gets prompts that it reads in half of the time', async t => {
  const { read, tokensWithin } = createReadingPace()
  t.equal(tokensWithin(1000), Infinity)
  t.equal(promptRoom(1500, 30_000, tokensWithin), 1500)
  read(promptOf(100), 20_000)
  t.equal(tokensWithin(1000), Infinity, 'a short prompt shows nothing')
  for (let i = 0; i < 4; i++) read(promptOf(1200), 24_000)
  t.ok(Math.abs(tokensWithin(1000) - 50) <= 1, `${tokensWithin(1000)} tokens a second`)
  t.ok(Math.abs(promptRoom(1500, 30_000, tokensWithin) - 500) <= 10)
  t.equal(promptRoom(1500, 2000, tokensWithin), 200, 'never fewer')
  t.equal(promptRoom(100, 30_000, tokensWithin), 100, 'never more than allowed')
  for (let i = 0; i < 10; i++) read(promptOf(1200), 300)
  t.equal(promptRoom(1500, 30_000, tokensWithin), 1500, 'quick again')
})
