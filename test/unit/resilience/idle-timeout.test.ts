import t from 'tap'
import { withIdleTimeout } from '../../../src/resilience/idle-timeout.ts'
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
      for await (const item of withIdleTimeout('the model', 20, never, signal => thenSilent(items, signal)))
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
  for await (const item of withIdleTimeout('the model', 20, never, all)) {
    await atLeast(40)
    heard.push(item)
  }
  t.same(heard, ['a', 'b', 'c'])
})

t.test('a caller who leaves: the reason is theirs, and nothing is left running', async t => {
  const controller = new AbortController()
  const stream = withIdleTimeout('the model', 60_000, controller.signal, signal => thenSilent(['a'], signal))
  await stream.next()
  const next = stream.next()
  controller.abort(new Error('left'))
  await t.rejects(next, { message: 'left' })
  const gone = withIdleTimeout('the model', 60_000, controller.signal, signal => thenSilent([], signal))
  await t.rejects(gone.next(), { message: 'left' })
})
