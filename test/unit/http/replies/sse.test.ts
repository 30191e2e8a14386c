import { mock } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { AskEvent } from '../../../../src/ask/terms/answer.ts'
import { sseStream } from '../../../../src/http/replies/sse.ts'

t.test('a stream that says nothing for 15 s sends a comment, and then goes on', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const { promise: isReleased, resolve: release } = Promise.withResolvers<void>()
  async function* rest(): AsyncGenerator<AskEvent> {
    await isReleased
    yield { type: 'delta', text: 'late' }
  }
  const view = () => {
    throw new Error('only the last event needs it')
  }
  const stream = sseStream({ done: false, value: { type: 'delta', text: 'soon' } }, rest(), view)
  const chunks: string[] = []
  stream.on('data', chunk => void chunks.push(String(chunk)))
  try {
    for (let i = 0; i < 5; i++) await turn()
    t.same(chunks, ['event: delta\ndata: {"text":"soon"}\n\n'])
    mock.timers.tick(15_000)
    for (let i = 0; i < 5; i++) await turn()
    t.same(chunks.slice(1), [': still here\n\n'])
    release()
    for (let i = 0; i < 5; i++) await turn()
    t.same(chunks.slice(2), ['event: delta\ndata: {"text":"late"}\n\n'])
  } finally {
    mock.timers.reset()
  }
})
