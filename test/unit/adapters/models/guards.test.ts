import t from 'tap'
import { guardEmbedder } from '../../../../src/adapters/models/guards.ts'
import type { Embedder } from '../../../../src/ask/retrieval/embedder.ts'
import { AskError } from '../../../../src/errors.ts'
import { silent } from '../../../../src/events.ts'

const never = new AbortController().signal

t.test('uploads that fail or take long leave questions their vectors: the breaker is for questions', async t => {
  let calls = 0
  const broken: Embedder = {
    model: 'a',
    dimensions: () => 1,
    maxTokens: 10,
    windowTokens: 10,
    languages: 'any',
    readsCode: true,
    countTokens: () => 1,
    counting: 'api',
    close: async () => {},
    embed: async () => {
      calls += 1
      throw new AskError('model_failed')
    },
  }
  const guarded = guardEmbedder(broken, 0, { events: silent, onTurn() {} })
  for (let i = 0; i < 20; i++) await t.rejects(guarded.embed(['a passage'], never), { code: 'model_failed' })
  for (let i = 0; i < 20; i++) await t.rejects(guarded.embed(['a passage'], never, 'passage'), { code: 'model_failed' })
  t.equal(calls, 40, 'each was made, once')
  t.equal(guarded.guard.state(), 'closed')
  for (let i = 0; i < 5; i++) await t.rejects(guarded.embed(['a question'], never, 'query'))
  t.equal(guarded.guard.state(), 'open')
})
