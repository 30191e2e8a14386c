import t from 'tap'
import { AskError, isAskError } from '../../../src/errors.ts'
import { createGuard, type Reading } from '../../../src/resilience/guard.ts'
import { manualClock } from '../../support/clock.ts'

const broken = new AskError('model_failed')
const busy = (retryAfter?: number) => new AskError('model_busy', retryAfter === undefined ? {} : { retryAfter })
const refusal = (ms: number) => new AskError('model_paused', { retryAfter: ms / 1000 })

function read(error: unknown): Reading {
  if (isAskError(error, 'model_failed')) return { verdict: 'fault', isRetryable: true }
  if (!isAskError(error, 'model_busy')) return { verdict: 'alive', isRetryable: false }
  return {
    verdict: 'alive',
    isRetryable: true,
    ...(error.retryAfter !== undefined && { pauseMs: error.retryAfter * 1000 }),
  }
}

function setUp() {
  const clock = manualClock()
  const sleeps: number[] = []
  const sleep = async (ms: number) => {
    sleeps.push(ms)
    clock.advance(ms)
  }
  let retries = 0
  const guard = createGuard({
    slowMs: 1000,
    read,
    refusal,
    clock,
    random: () => 0.5,
    sleep,
    onRetry: () => void (retries += 1),
  })
  const controller = new AbortController()
  let made = 0
  /** Gives or throws one after the other; the last one for ever. */
  const saying =
    (...all: readonly unknown[]) =>
    async () => {
      const next = all[Math.min(made++, all.length - 1)]
      if (next instanceof Error) throw next
      return next
    }
  const run = (...all: readonly unknown[]) => {
    made = 0
    return guard.run(controller.signal, saying(...all))
  }
  return { guard, clock, controller, sleeps, run, retries: () => retries, made: () => made }
}

t.test('second tries', async t => {
  t.test('a fault of the moment is not seen; the wait before is short and by chance', async t => {
    const { run, made, sleeps, retries } = setUp()
    t.equal(await run(broken, 'well'), 'well')
    t.equal(made(), 2)
    t.same(sleeps, [50])
    t.equal(retries(), 1)
  })

  t.test('one, not more', async t => {
    const { run, made } = setUp()
    await t.rejects(run(broken), { code: 'model_failed' })
    t.equal(made(), 2)
  })

  t.test('none of what was refused', async t => {
    const { run, made } = setUp()
    await t.rejects(run(new AskError('model_rejected')), { code: 'model_rejected' })
    t.equal(made(), 1)
  })

  t.test('none for who has left meanwhile', async t => {
    const { guard, controller } = setUp()
    let made = 0
    const leave = guard.run(controller.signal, async () => {
      made += 1
      controller.abort(new AskError('cancelled'))
      throw broken
    })
    await t.rejects(leave, broken)
    t.equal(made, 1)
  })

  t.test('out of a budget: where everything fails, most calls are made once', async t => {
    const { run, guard, made } = setUp()
    let calls = 0
    for (let i = 0; i < 500; i++) {
      await t.rejects(run(broken), { code: 'model_failed' })
      calls += made()
      guard.reset()
    }
    t.equal(calls, 600, 'a hundred second tries for 500 tokens')
    await run('well')
    await t.rejects(run(broken))
    t.equal(made(), 1, 'one success is not worth one retry')
  })
})

t.test('a server that asks to be left alone', async t => {
  t.test('for a moment: the same request waits for it', async t => {
    const { run, sleeps } = setUp()
    t.equal(await run(busy(1), 'well'), 'well')
    t.same(sleeps, [1050])
  })

  t.test('for longer: it gives up at once, and others do not ask until then', async t => {
    const { run, made, clock } = setUp()
    await t.rejects(run(busy(30)), { code: 'model_busy' })
    await t.rejects(run('well'), { code: 'model_paused', retryAfter: 30 })
    t.equal(made(), 0, 'it was not asked')
    clock.advance(30_000)
    t.equal(await run('well'), 'well')
  })

  t.test('for a day: it is asked again within a minute', async t => {
    const { run, clock } = setUp()
    await t.rejects(run(busy(86_400)))
    clock.advance(60_000)
    t.equal(await run('well'), 'well')
  })

  t.test('is no fault: however many are told so, it stays closed', async t => {
    const { run, guard } = setUp()
    for (let i = 0; i < 50; i++) await t.rejects(run(busy()))
    t.equal(guard.state(), 'closed')
  })
})

t.test('a breaker', async t => {
  t.test('opens: calls are refused without being made, with the time until one may be', async t => {
    const { run, made, guard, clock } = setUp()
    for (let i = 0; i < 3; i++) await t.rejects(run(broken))
    t.equal(guard.state(), 'open')
    await t.rejects(run('well'), { code: 'model_paused', retryAfter: 1 })
    t.equal(made(), 0)
    clock.advance(1000)
    t.equal(await run('well'), 'well')
    t.equal(guard.state(), 'closed')
  })

  t.test('a deadline counts against the server when it had time enough, and a caller who leaves never', async t => {
    const { guard, clock } = setUp()
    const late = (ms: number, reason: AskError) => {
      const controller = new AbortController()
      return guard
        .run(controller.signal, async () => {
          clock.advance(ms)
          controller.abort(reason)
          throw reason
        })
        .catch(() => {})
    }
    for (let i = 0; i < 10; i++) await late(999, new AskError('deadline_exceeded'))
    for (let i = 0; i < 10; i++) await late(60_000, new AskError('cancelled'))
    t.equal(guard.state(), 'closed')
    for (let i = 0; i < 5; i++) await late(1000, new AskError('deadline_exceeded'))
    t.equal(guard.state(), 'open')
  })

  t.test('time enough is four times what calls usually take, where that is known and less', async t => {
    for (const [usualMs, cutMs, state] of [
      [10, 499, 'closed'],
      [10, 500, 'open'],
      [500, 1999, 'closed'],
      [500, 2000, 'open'],
    ] as const) {
      const clock = manualClock()
      const guard = createGuard({ slowMs: 5000, read, refusal, clock, random: () => 0.5 })
      const call = async (ms: number, error?: Error) => {
        const signal = new AbortController().signal
        await guard
          .run(signal, async () => {
            clock.advance(ms)
            if (error) throw error
          })
          .catch(() => {})
      }
      await call(usualMs)
      clock.advance(10_000)
      for (let i = 0; i < 5; i++) await call(cutMs, new AskError('deadline_exceeded'))
      t.equal(guard.state(), state, `usually ${usualMs} ms, cut at ${cutMs}`)
    }
  })
})

t.test('streams', async t => {
  async function* saying(items: readonly string[], error?: Error): AsyncGenerator<string> {
    yield* items
    if (error) throw error
  }
  const heard = async (stream: AsyncIterable<string>, into: string[]) => {
    for await (const item of stream) into.push(item)
  }

  t.test('one that fails before its first item is opened again', async t => {
    const { guard, controller } = setUp()
    const sources = [saying([], broken), saying(['a', 'b'])]
    const items: string[] = []
    await heard(
      guard.stream(controller.signal, () => sources.shift()!),
      items,
    )
    t.same(items, ['a', 'b'])
  })

  t.test('one that breaks off later is not: what was heard would be heard twice', async t => {
    const { guard, controller } = setUp()
    const sources = [saying(['a'], broken), saying(['a', 'b'])]
    const items: string[] = []
    await t.rejects(
      heard(
        guard.stream(controller.signal, () => sources.shift()!),
        items,
      ),
      broken,
    )
    t.same(items, ['a'])
    t.equal(sources.length, 1)
  })

  t.test('only the time until the first item counts as slow', async t => {
    const { guard, controller, clock } = setUp()
    const slowly = async function* (first: number, rest: number) {
      clock.advance(first)
      yield 'a'
      clock.advance(rest)
      yield 'b'
    }
    for (let i = 0; i < 10; i++)
      await heard(
        guard.stream(controller.signal, () => slowly(900, 60_000)),
        [],
      )
    t.equal(guard.state(), 'closed')
    for (let i = 0; i < 10 && guard.state() === 'closed'; i++)
      await heard(
        guard.stream(controller.signal, () => slowly(1001, 0)),
        [],
      )
    t.equal(guard.state(), 'open')
  })

  t.test('who stops listening says nothing of the server, and the source is closed', async t => {
    const { guard, controller } = setUp()
    let closed = 0
    const source = async function* () {
      try {
        for (;;) yield 'a'
      } finally {
        closed += 1
      }
    }
    for (let i = 0; i < 10; i++) for await (const _ of guard.stream(controller.signal, source)) break
    t.equal(closed, 10)
    t.equal(guard.state(), 'closed')
  })
})
