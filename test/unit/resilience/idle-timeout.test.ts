import t from 'tap'
import { AskError } from '../../../src/errors.ts'
import { withIdleTimeout, type IdleLimits, type Pulse } from '../../../src/resilience/idle-timeout.ts'
import { atLeast } from '../../support/at-least.ts'

/** Says what it has, then nothing until its signal aborts. */
async function* thenSilent(items: readonly string[], signal: AbortSignal): AsyncGenerator<string> {
  yield* items
  signal.throwIfAborted()
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

const never = new AbortController().signal

for (const items of [[], ['a', 'b']]) {
  t.test(`a server that stops after ${items.length} items: ended with deadline_exceeded`, async t => {
    const heard: string[] = []
    const all = async () => {
      for await (const item of withIdleTimeout('the model', { silenceMs: 20 }, never, signal =>
        thenSilent(items, signal),
      ))
        heard.push(item)
    }
    await t.rejects(all(), { code: 'deadline_exceeded', detail: 'the model sent nothing for 0.02 s' })
    t.same(heard, items)
  })
}

t.test('a reader who takes long is not its silence', async t => {
  const all = async function* () {
    yield* ['a', 'b', 'c']
  }
  const heard: string[] = []
  for await (const item of withIdleTimeout('the model', { silenceMs: 20 }, never, all)) {
    await atLeast(40)
    heard.push(item)
  }
  t.same(heard, ['a', 'b', 'c'])
})

t.test('a caller who leaves: the reason is theirs, and nothing is left running', async t => {
  const controller = new AbortController()
  const stream = withIdleTimeout('the model', { silenceMs: 60_000 }, controller.signal, signal =>
    thenSilent(['a'], signal),
  )
  await stream.next()
  const next = stream.next()
  controller.abort(new Error('left'))
  await t.rejects(next, { message: 'left' })
  const gone = withIdleTimeout('the model', { silenceMs: 60_000 }, controller.signal, signal => thenSilent([], signal))
  await t.rejects(gone.next(), { message: 'left' })
})

t.test('signs of life before the first item, and a limit of its own for that item', async t => {
  const begun: [number, boolean][] = []
  const onBegun = (ms: number, isCut: boolean) => void begun.push([ms, isCut])
  const talking = (times: number) =>
    async function* (signal: AbortSignal, { alive }: Pulse) {
      for (let i = 0; i < times; i++) {
        await atLeast(30)
        signal.throwIfAborted()
        alive()
      }
      yield 'word'
    }
  const read = async (limits: Partial<IdleLimits>, times: number) =>
    await Array.fromAsync(withIdleTimeout('the model', { silenceMs: 200, onBegun, ...limits }, never, talking(times)))
  t.same(await read({}, 20), ['word'], 'it lives')
  t.ok(begun[0]![0] >= 25 && begun[0]![0] < 600 && !begun[0]![1], 'the longest silence counts, not all of the time')
  await t.rejects(read({ firstItemMs: 100 }, 20), {
    code: 'deadline_exceeded',
    detail: 'the model sent no word of its answer for 0.1 s',
  })
  t.equal(begun[1]?.[1], true)
  t.equal(begun.length, 2, 'told once')
})

t.test('before the reply begins a server may be silent for longer', async t => {
  const work = async function* (signal: AbortSignal, { begun }: Pulse) {
    await atLeast(60)
    signal.throwIfAborted()
    begun()
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    yield 'word'
  }
  const limits = { silenceMs: 30, silenceBeforeMs: 60_000 }
  await t.rejects(withIdleTimeout('the model', limits, never, work).next(), {
    code: 'deadline_exceeded',
    detail: 'the model sent nothing for 0.03 s',
  })
})

t.test('a deadline of the caller before the first item: cut', async t => {
  const cuts: boolean[] = []
  const caller = new AbortController()
  const limits = { silenceMs: 60_000, onBegun: (_: number, isCut: boolean) => void cuts.push(isCut) }
  const next = withIdleTimeout('the model', limits, caller.signal, signal => thenSilent([], signal)).next()
  caller.abort(new AskError('deadline_exceeded'))
  await t.rejects(next, { code: 'deadline_exceeded' })
  t.same(cuts, [true])
})
