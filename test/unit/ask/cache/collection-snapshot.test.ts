import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import {
  createCollectionSnapshots,
  waitUntilVisible,
  trustedMs,
} from '../../../../src/ask/cache/collection-snapshot.ts'
import type { AskedCollection } from '../../../../src/ask/terms/collection.ts'
import { manualClock } from '../../../support/clock.ts'

function collection(epoch: number): AskedCollection {
  return {
    id: 1,
    name: 'default',
    epoch,
    epochMark: `mark ${epoch}`,
    modelId: 1,
    chunkCount: 1,
    windowsPerChunk: 1,
    efSearch: null,
    languages: [],
    vectorWeights: {},
    calibration: null,
    caching: {},
  }
}

interface Read {
  readonly signal: AbortSignal
  give(epoch: number | null, parts?: Partial<AskedCollection>): void
  fail(error?: unknown): void
}

const everyRead: Read[] = []
// Else the process waits until the last of them is too late.
t.teardown(() => everyRead.forEach(read => read.give(null)))

/** Reads that end when a test says so, at a time that passes when a test says so. */
function setUp() {
  const clock = manualClock()
  const reads: Read[] = []
  const histories: string[] = []
  const historyLost = (now: AskedCollection, before: AskedCollection) =>
    void histories.push(`${before.epoch} ${before.epochMark} → ${now.epoch} ${now.epochMark}`)
  const current = createCollectionSnapshots(
    (_, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<AskedCollection | null>()
      const read: Read = {
        signal,
        give: (epoch, parts) => resolve(epoch === null ? null : { ...collection(epoch), ...parts }),
        fail: (error = new Error('away')) => reject(error),
      }
      for (const list of [reads, everyRead]) list.push(read)
      return promise
    },
    { now: clock.now, events: { historyLost } },
  )
  clock.advance(100_000)
  const { signal: never } = new AbortController()
  const find = (name = 'default', signal = never) => current.get(name, signal)
  /** What is known from a read that began now. */
  const know = async (epoch: number | null, parts: Partial<AskedCollection> = {}) => {
    const found = find()
    await settle()
    reads.at(-1)!.give(epoch, parts)
    await found
  }
  return { clock, reads, histories, know, ...current, find, check: () => current.require('default', never) }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn()
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false
  const note = () => void (isSettled = true)
  promise.then(note, note)
  await settle()
  return !isSettled
}

t.test('what was read is known for as long as it is trusted, without another read', async t => {
  const { clock, reads, know, fresh, find } = setUp()
  t.equal(fresh('default'), undefined)
  await know(1)
  clock.advance(trustedMs / 2)
  t.equal(fresh('default')?.epoch, 1)
  t.equal((await find())?.epoch, 1)
  t.equal(reads.length, 1)
})

t.test('past half of its time it is read anew behind the questions, by one read', async t => {
  const { clock, reads, know, fresh } = setUp()
  await know(1)
  clock.advance(trustedMs / 2 + 1)
  for (let i = 0; i < 100; i++) t.equal(fresh('default')?.epoch, 1)
  t.equal(reads.length, 2)
  reads[1]!.give(2)
  await settle()
  t.equal(fresh('default')?.epoch, 2)
})

t.test('what was read longer ago is not given: it is waited for', async t => {
  const { clock, reads, know, fresh, find } = setUp()
  await know(1)
  clock.advance(trustedMs + 1)
  t.equal(fresh('default'), undefined)
  const found = find()
  await settle()
  t.ok(await isPending(found))
  reads.at(-1)!.give(2)
  t.equal((await found)?.epoch, 2)
})

t.test('the time counts from when the read began, not from when it ended', async t => {
  const { clock, reads, fresh, find } = setUp()
  const found = find()
  await settle()
  clock.advance(trustedMs + 1)
  reads[0]!.give(1)
  await found
  t.equal(fresh('default'), undefined)
})

t.test('a read that takes a while to be begun counts from before that', async t => {
  const clock = manualClock()
  const current = createCollectionSnapshots(
    async () => {
      clock.advance(trustedMs + 1) // the process was stopped after the query had left
      return collection(1)
    },
    { now: clock.now },
  )
  await current.get('default', new AbortController().signal)
  t.equal(current.fresh('default'), undefined)
})

t.test('many who ask share one read', async t => {
  const { reads, find } = setUp()
  const all = Array.from({ length: 100 }, () => find())
  await settle()
  t.equal(reads.length, 1)
  reads[0]!.give(1)
  t.same(new Set((await Promise.all(all)).map(each => each?.epoch)), new Set([1]))
})

t.test('a read that began too long ago is waited for, and then another is begun; two of them ask once', async t => {
  const { clock, reads, find } = setUp()
  const early = find()
  await settle()
  clock.advance(trustedMs + 1)
  const late = [find(), find()]
  await settle()
  t.equal(reads.length, 1)
  reads[0]!.give(1)
  t.equal((await early)?.epoch, 1)
  await settle()
  t.equal(reads.length, 2)
  reads[1]!.give(2)
  t.same(
    (await Promise.all(late)).map(each => each?.epoch),
    [2, 2],
  )
})

t.test('each collection has a read of its own', async t => {
  const { reads, find } = setUp()
  const both = [find('one'), find('two')]
  await settle()
  reads[1]!.give(2)
  t.equal((await both[1])?.epoch, 2)
  reads[0]!.give(null)
  t.equal(await both[0], null)
})

t.test('forgotten: what is known is not given', async t => {
  for (const name of ['default', undefined]) {
    const { reads, know, invalidate, fresh, find } = setUp()
    await know(1)
    invalidate(name)
    t.equal(fresh('default'), undefined)
    const found = find()
    await settle()
    reads.at(-1)!.give(2)
    t.equal((await found)?.epoch, 2)
  }
})

t.test('changes may have been missed: read again, and where that fails as good as before', async t => {
  for (const when of ['before a read', 'during a read']) {
    const { clock, reads, know, doubt, fresh, find } = setUp()
    await know(1)
    if (when === 'during a read') {
      clock.advance(trustedMs + 1)
      const early = find()
      await settle()
      doubt()
      reads.at(-1)!.give(1)
      t.equal((await early)?.epoch, 1)
      clock.advance(100)
    } else {
      clock.advance(100)
      doubt()
    }
    t.equal(fresh('default'), undefined, `${when}: not trusted`)
    const found = find()
    await settle()
    reads.at(-1)!.fail()
    t.match(await found, { epoch: 1, unchecked: { sinceMs: 100 } }, when)
  }
})

t.test('changed: it is not used unchecked either', async t => {
  const { reads, know, invalidate, find } = setUp()
  await know(1)
  invalidate('default')
  const found = find()
  await settle()
  reads.at(-1)!.fail()
  t.match(await found, { unchecked: { sinceMs: Infinity } })
})

t.test('another is forgotten: what is known stays', async t => {
  const { know, invalidate, fresh } = setUp()
  await know(1)
  invalidate('other')
  t.equal(fresh('default')?.epoch, 1)
})

t.test(
  'forgotten during a read: who asks after that gets a later read, and what the first gave is never trusted',
  async t => {
    const { reads, know, clock, invalidate, fresh, find } = setUp()
    await know(1)
    clock.advance(trustedMs + 1)
    const early = find()
    await settle()
    invalidate('default')
    const late = find()
    await settle()
    reads[1]!.give(1)
    t.equal((await early)?.epoch, 1)
    t.equal(fresh('default'), undefined)
    t.ok(await isPending(late))
    reads[2]!.give(2)
    t.equal((await late)?.epoch, 2)
  },
)

t.test('forgotten during the very first read, with or without its name: the same', async t => {
  for (const name of ['default', undefined]) {
    const { reads, invalidate, fresh, find } = setUp()
    const early = find()
    await settle()
    invalidate(name)
    const late = find()
    await settle()
    reads[0]!.give(1)
    await early
    t.equal(fresh('default'), undefined, String(name))
    t.ok(await isPending(late), String(name))
    reads[1]!.give(2)
    t.equal((await late)?.epoch, 2)
  }
})

t.test('there is none: null; one that was deleted is gone, one that is made is found', async t => {
  const { clock, reads, know, fresh, find } = setUp()
  await know(1)
  for (const [epoch, expected] of [
    [null, undefined],
    [5, 5],
    [null, undefined],
  ] as const) {
    clock.advance(trustedMs + 1)
    const found = find()
    await settle()
    reads.at(-1)!.give(epoch)
    t.equal((await found)?.epoch, expected)
    t.equal(fresh('default')?.epoch, expected)
  }
})

t.test('a read that fails, and nothing is known: its error', async t => {
  const { reads, find, check } = setUp()
  const [found, checked] = [find(), check()]
  await settle()
  const error = new Error('away')
  reads[0]!.fail(error)
  await t.rejects(found, error)
  await t.rejects(checked, error)
})

t.test('a read that fails: what was known last, unchecked, with why and for how long', async t => {
  const { clock, reads, know, find } = setUp()
  await know(1)
  clock.advance(1000)
  const found = find()
  await settle()
  const error = new Error('away')
  reads.at(-1)!.fail(error)
  t.match(await found, { epoch: 1, unchecked: { error, sinceMs: 1000 } })
  clock.advance(100)
  t.match(await find(), { epoch: 1, unchecked: { error, sinceMs: 1100 } }, 'at once, without a read')
  t.equal(reads.length, 2)
})

t.test('check never gives what is unchecked', async t => {
  const { clock, reads, know, find, check } = setUp()
  await know(1)
  clock.advance(1000)
  const found = find()
  await settle()
  reads.at(-1)!.fail()
  await found
  const checked = check()
  await settle()
  reads.at(-1)!.fail(new Error('still away'))
  await t.rejects(checked, { message: 'still away' })
  const again = check()
  await settle()
  reads.at(-1)!.give(2)
  const known = await again
  t.match(known, { epoch: 2 })
  t.equal(known?.unchecked, undefined)
})

t.test('after a failure it is tried again behind the questions, after a pause, and then known again', async t => {
  const { clock, reads, know, find, fresh } = setUp()
  await know(1)
  clock.advance(1000)
  const found = find()
  await settle()
  reads.at(-1)!.fail()
  await found
  await find()
  t.equal(reads.length, 2, 'not at once')
  clock.advance(300)
  t.match(await find(), { unchecked: {} })
  t.equal(reads.length, 3)
  reads[2]!.give(2)
  await settle()
  t.match(fresh('default'), { epoch: 2, unchecked: undefined })
})

t.test('a failure of long ago says nothing: a question waits for the read', async t => {
  const { clock, reads, know, find } = setUp()
  await know(1)
  clock.advance(1000)
  const found = find()
  await settle()
  reads.at(-1)!.fail()
  await found
  clock.advance(60_000)
  const later = find()
  await settle()
  t.ok(await isPending(later))
  reads.at(-1)!.give(2)
  t.match(await later, { epoch: 2, unchecked: undefined })
})

t.test('a read that hangs: what was known, unchecked, after a moment; and the next who asks does not wait', async t => {
  const { clock, reads, know, find } = setUp()
  await know(1)
  clock.advance(1000)
  t.match(await find(), { epoch: 1, unchecked: { sinceMs: 1000 } })
  const next = find()
  await settle()
  t.notOk(await isPending(next))
  t.equal(reads.length, 2, 'a database that hangs is not asked again and again')
  reads[1]!.give(2)
  await settle()
  t.match(await find(), { epoch: 2, unchecked: undefined }, 'and what it says in the end counts')
})

t.test('one who leaves gets the reason; the others go on waiting for the same read', async t => {
  const { reads, find } = setUp()
  const leaver = new AbortController()
  const leaves = find('default', leaver.signal)
  const stays = find()
  await settle()
  leaver.abort(new Error('gone'))
  await t.rejects(leaves, { message: 'gone' })
  t.equal(reads[0]!.signal.aborted, false)
  reads[0]!.give(1)
  t.equal((await stays)?.epoch, 1)
  t.equal(reads.length, 1)
})

/**
 * The promise itself, in a world of its own: a writer commits and waits as long as writers do; a question asked after
 * that must not get an epoch from before. Reads take any time, questions come at any time, a message may be lost.
 */
t.test(
  'whatever the order of commits, reads, questions and messages, no question gets an epoch from before a write that was over',
  async () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 120 }) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          what: fc.constantFrom('ask' as const, 'commit' as const, 'forget' as const),
          ms: fc.constant(0),
        }),
      },
      { weight: 3, arbitrary: fc.record({ what: fc.constant('answer' as const), ms: fc.nat(3) }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async steps => {
        const clock = manualClock()
        let epoch = 0
        const commits: { readonly epoch: number; readonly repliedAt: number }[] = []
        const waiting: (() => void)[] = []
        const current = createCollectionSnapshots(
          () => {
            const seen = epoch // its snapshot is taken as it begins
            return new Promise(resolve => void waiting.push(() => resolve(collection(seen))))
          },
          { now: clock.now },
        )
        const wrong: string[] = []
        const ask = () => {
          const least = Math.max(
            0,
            ...commits.filter(({ repliedAt }) => repliedAt <= clock.now()).map(each => each.epoch),
          )
          const note = (found: AskedCollection | null | undefined) =>
            void (found && !found.unchecked && found.epoch < least && wrong.push(`${found.epoch} < ${least}`))
          note(current.fresh('default'))
          void current.get('default', new AbortController().signal).then(note, () => {})
        }
        for (const { what, ms } of steps) {
          if (what === 'pass') clock.advance(ms)
          if (what === 'ask') ask()
          if (what === 'commit') commits.push({ epoch: ++epoch, repliedAt: clock.now() + trustedMs + 5 })
          if (what === 'forget') current.invalidate('default')
          if (what === 'answer') waiting.splice(ms, 1)[0]?.()
          await settle()
        }
        while (waiting.length > 0) {
          waiting.shift()?.()
          await settle()
        }
        return wrong.length === 0
      }),
      { numRuns: 150 },
    )
  },
)

t.test('a writer waits longer than anything is trusted', async t => {
  const startedAt = performance.now()
  await waitUntilVisible()
  t.ok(performance.now() - startedAt > trustedMs)
})

t.test('another history, told once each: an epoch that goes back, or is counted again with another mark', async t => {
  const { know, clock, histories, fresh, lastKnown } = setUp()
  const later = async (epoch: number | null, parts: Partial<AskedCollection> = {}) => {
    clock.advance(trustedMs + 1)
    await know(epoch, parts)
  }
  await know(5)
  await later(5)
  await later(6)
  t.same(histories, [], 'the same, and the next')
  await later(4)
  t.same(histories.splice(0), ['6 mark 6 → 4 mark 4'])
  await later(4)
  t.same(histories, [])
  await later(4, { epochMark: 'restored' })
  t.same(histories.splice(0), ['4 mark 4 → 4 restored'])
  t.match(
    [fresh('default'), lastKnown('default')],
    [{ epoch: 4, epochMark: 'restored' }, { epochMark: 'restored' }],
    'nothing of the one before is known',
  )
  await later(1, { id: 2 })
  await later(null)
  await later(1, { id: 1 })
  t.same(histories, [], 'deleted and made again: no history of the same collection')
})
