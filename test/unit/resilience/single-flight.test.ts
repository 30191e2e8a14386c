import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { isAskError } from '../../../src/errors.ts'
import { createSingleFlight, type FlightTerms, type Joined } from '../../../src/resilience/single-flight.ts'
import { manualClock } from '../../support/clock.ts'

/** A run in the hands of the test: it gives what `say` is told, until `end`. */
function handRun() {
  let hand!: ReadableStreamDefaultController<string>
  const source = new ReadableStream<string>({ start: controller => void (hand = controller) })
  return {
    source,
    say: (item: string) => hand.enqueue(item),
    end: () => hand.close(),
    fail: (error: unknown) => hand.error(error),
  }
}

interface Begun extends ReturnType<typeof handRun> {
  readonly signal: AbortSignal
}

function setUp() {
  const clock = manualClock()
  const flights = createSingleFlight<string>(clock.now)
  const begun: Begun[] = []
  /** Deaf to its signal: what is asserted is what the flight does, not what a run makes of it. */
  const begin = (signal: AbortSignal) => {
    const run = handRun()
    begun.push({ ...run, signal })
    return run.source
  }
  const join = (terms: Partial<FlightTerms> = {}, key = 'key') =>
    flights.join(key, { signal: new AbortController().signal, deadline: 1000, ...terms }, begin)
  return { clock, flights, begun, join }
}

/** Everything it gives, until it ends. */
async function all(travel: AsyncIterable<Joined<string>>): Promise<string[]> {
  const items: string[] = []
  for await (const { item } of travel) items.push(item)
  return items
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

t.test('who comes late gets everything from the first item on, and is told that the run is shared', async t => {
  const { begun, join, flights } = setUp()
  const first = join()
  const opening = first.next()
  begun[0]!.say('one')
  t.same((await opening).value, { item: 'one', isShared: false })
  begun[0]!.say('two')
  await settle()
  const late = join()
  t.same((await late.next()).value, { item: 'one', isShared: true })
  begun[0]!.say('three')
  begun[0]!.end()
  t.same(
    [await all(first), await all(late)],
    [
      ['two', 'three'],
      ['two', 'three'],
    ],
  )
  t.equal(begun.length, 1)
  t.equal(flights.size(), 0)
})

t.test('a hundred at once: one run, the same for all', async t => {
  const { begun, join } = setUp()
  const waiting = Array.from({ length: 100 }, () => all(join()))
  for (const item of ['a', 'b', 'c']) begun[0]!.say(item)
  begun[0]!.end()
  t.same(new Set((await Promise.all(waiting)).map(String)), new Set(['a,b,c']))
  t.equal(begun.length, 1)
})

t.test('who joins is told which run; who begins one is not', async t => {
  const { flights, begun, join } = setUp()
  const joined: unknown[] = []
  const first = all(join())
  const second = all(
    flights.join(
      'key',
      { signal: new AbortController().signal, deadline: 1000 },
      () => t.fail('a run is begun') as never,
      run => joined.push(run),
    ),
  )
  begun[0]?.end()
  await Promise.all([first, second])
  t.same(
    joined.map(run => run === begun[0]?.source),
    [true],
  )
})

t.test('another key is another run', async t => {
  const { begun, join } = setUp()
  const [one, other] = [all(join({}, 'one')), all(join({}, 'other'))]
  begun[0]!.say('1')
  begun[1]!.say('2')
  for (const run of begun) run.end()
  t.same([await one, await other], [['1'], ['2']])
})

t.test('the first leaves: the run goes on for the others', async t => {
  const { begun, join } = setUp()
  const leaver = new AbortController()
  const left = all(join({ signal: leaver.signal }))
  const stays = all(join())
  const reason = new Error('gone')
  leaver.abort(reason)
  await t.rejects(left, reason)
  t.equal(begun[0]!.signal.aborted, false)
  begun[0]!.say('still')
  begun[0]!.end()
  t.same(await stays, ['still'])
})

t.test('the last leaves: the run is aborted with the reason, and who comes then starts another', async t => {
  const { begun, join, flights } = setUp()
  const leavers = [new AbortController(), new AbortController(), new AbortController()]
  const waiting = leavers.map(({ signal }) => all(join({ signal })))
  const reason = new Error('gone')
  for (const [i, leaver] of leavers.entries()) {
    t.equal(begun[0]!.signal.aborted, false, `${i} have left`)
    leaver.abort(reason)
    await t.rejects(waiting[i]!, reason)
  }
  t.equal(begun[0]!.signal.reason, reason)
  t.equal(flights.size(), 0)
  const next = all(join())
  t.equal(begun.length, 2)
  begun[0]!.say('of the run that was given up')
  begun[1]!.say('of the new one')
  begun[1]!.end()
  t.same(await next, ['of the new one'])
})

t.test('leaving by return(): only the last aborts the run, as cancelled', async t => {
  const { begun, join, flights } = setUp()
  const [one, two] = [join(), join()]
  const opened = [one.next(), two.next()]
  begun[0]!.say('word')
  await Promise.all(opened)
  await one.return()
  t.equal(begun[0]!.signal.aborted, false)
  await two.return()
  t.ok(isAskError(begun[0]!.signal.reason, 'cancelled'))
  t.equal(flights.size(), 0)
})

t.test('a run that is given up does not land the one that took its place', async t => {
  const { begun, join, flights } = setUp()
  const leaver = new AbortController()
  const left = all(join({ signal: leaver.signal }))
  leaver.abort(new Error('gone'))
  await t.rejects(left, { message: 'gone' })
  const next = all(join())
  begun[0]!.end()
  await settle()
  t.equal(flights.size(), 1)
  const joined = all(join())
  begun[1]!.end()
  await Promise.all([next, joined])
  t.equal(begun.length, 2)
})

t.test('an error goes to all: to those who wait, and to one who reads what came before it', async t => {
  const { begun, join, flights } = setUp()
  const waiting = [all(join()), all(join())]
  const slow = join()
  const opening = slow.next()
  begun[0]!.say('word')
  t.equal((await opening).value?.item, 'word')
  const error = new Error('broken')
  begun[0]!.fail(error)
  for (const each of waiting) await t.rejects(each, error)
  await t.rejects(slow.next(), error)
  t.equal(flights.size(), 0)
})

t.test(
  'a run that ended before anybody waits on: who joined reads all of it, who comes now starts another',
  async t => {
    const { begun, join, flights } = setUp()
    const early = join()
    const opening = early.next()
    begun[0]!.say('one')
    await opening
    begun[0]!.say('two')
    begun[0]!.end()
    await settle()
    t.equal(flights.size(), 0, 'it has landed')
    t.same(await all(early), ['two'])
    t.equal(begun[0]!.signal.aborted, false, 'nothing is left to give up')
    const next = all(join())
    begun[1]!.end()
    t.same(await next, [])
  },
)

t.test('a run that gives nothing, and one that fails at once: both end for all who joined', async t => {
  const flights = createSingleFlight<string>()
  const terms = { signal: new AbortController().signal, deadline: performance.now() + 60_000 }
  t.same(await all(flights.join('key', terms, async function* () {})), [])
  const error = new Error('at once')
  const failing = () => {
    throw error
  }
  const both = [1, 2].map(() => all(flights.join('key', terms, failing)))
  for (const each of both) await t.rejects(each, error)
  t.equal(flights.size(), 0)
})

t.test('one who has left already gets the reason, and no run goes on for them', async t => {
  const { begun, join, flights } = setUp()
  const reason = new Error('gone')
  await t.rejects(all(join({ signal: AbortSignal.abort(reason) })), reason)
  t.ok(begun.every(({ signal }) => signal.aborted))
  t.equal(flights.size(), 0)
})

const travellers = [
  { who: 'as much time', deadline: 1000, isShared: true },
  { who: 'a little more time', deadline: 1900, isShared: true },
  { who: 'hardly less time than the run may take', deadline: 950, isShared: true },
  { who: 'less time than the run may take', deadline: 949, isShared: false },
  { who: 'more than twice the time that the run has left', deadline: 1901, isShared: false },
]
for (const { who, deadline, isShared } of travellers) {
  t.test(`a traveller with ${who} ${isShared ? 'joins' : 'starts a run of their own'}`, async t => {
    const { begun, join, clock } = setUp()
    const first = all(join({ deadline: 1000 }))
    clock.advance(100) // 900 left of the run, of which at least half of one's own time is wanted
    const second = all(join({ deadline }))
    t.equal(begun.length, isShared ? 1 : 2)
    for (const run of begun) run.end()
    await Promise.all([first, second])
  })
}

t.test('a run about to give up is not joined', async t => {
  const { begun, join, clock } = setUp()
  const first = all(join({ deadline: 1000 }))
  clock.advance(990)
  const second = all(join({ deadline: 1990 }))
  t.equal(begun.length, 2)
  for (const run of begun) run.end()
  await Promise.all([first, second])
})

t.test('many come and go: no flight is left', async t => {
  const { begun, join, flights } = setUp()
  const leavers = Array.from({ length: 200 }, () => new AbortController())
  const waiting = leavers.map(({ signal }, i) =>
    all(join({ signal, deadline: 1000 + (i % 7) }, `key ${i % 11}`)).catch(() => 'left'),
  )
  for (const [i, leaver] of leavers.entries()) if (i % 2 === 0) leaver.abort(new Error('gone'))
  await settle()
  for (const run of begun) if (!run.signal.aborted) run.end()
  await Promise.all(waiting)
  t.equal(flights.size(), 0)
})
