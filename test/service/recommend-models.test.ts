import t, { type Test } from 'tap'
import { adminKey, anyWorld, type App, startApp } from '../support/app.ts'
import { advised, freshQuestion, performanceOf, times } from '../support/advice.ts'
import { loadHandbook } from '../support/corpus.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel, type Model } from '../support/model.ts'
import { startReranker } from '../support/reranker.ts'

/** Each piece of advice about models is given when its cause is there. */

t.setTimeout(1_800_000)

const wide = {
  ADMISSION_FLOOR: '100',
  ADMISSION_MAX_WAITING: '500',
  ADMISSION_MAX_WAIT_MS: '60000',
  SEMANTIC_CACHE: 'off',
}

async function start(
  t: Test,
  settings: Record<string, string> = {},
  embedding = 'local',
): Promise<{ app: App; model: Model }> {
  const model = await startModel(t)
  const app = await startApp(t, anyWorld, { ...settingsFor(model, embedding), ...wide, ...settings })
  await loadHandbook(app)
  return { app, model }
}

t.test('the model is slow to begin: CHAT_MODEL', async t => {
  const { app, model } = await start(t)
  model.chat.behave({ firstTokenMs: 2100 })
  await times(12, () => app.ask(freshQuestion()))
  const { setting, evidence } = await advised(app, 'model-slow')
  t.equal(setting, 'CHAT_MODEL')
  t.match(evidence, /p95 to its first token \d{4,} ms, .* of test-chat/)
})

t.test('the model says nothing: MODEL_SILENCE_MS', async t => {
  const { app, model } = await start(t, { MODEL_SILENCE_MS: '200' })
  model.chat.behave({ silent: true })
  await times(12, () => app.ask(freshQuestion()))
  const { setting, evidence } = await advised(app, 'model-silent')
  t.equal(setting, 'MODEL_SILENCE_MS')
  t.match(evidence, /12 of 12 answers were quoted sentences .*MODEL_SILENCE_MS 200/)
})

t.test('the time runs out in one stage: REQUEST_TIMEOUT_MS, and the stage', async t => {
  const { app, model } = await start(t)
  model.chat.behave({ delayMs: 60_000 })
  await times(6, () => app.ask({ ...freshQuestion(), timeout_ms: 5000 }))
  const { setting, title, evidence } = await advised(app, 'deadlines-exceeded')
  t.equal(setting, 'REQUEST_TIMEOUT_MS')
  t.match(title, /"generate"/)
  t.match(evidence, /6 stages timed out .* 100 % of them "generate"/)
})

t.test('the reranker is slow: RERANK_CANDIDATES', async t => {
  const reranker = await startReranker(t)
  const app = await startApp(t, anyWorld, { ...wide, RERANK_URL: reranker.url, RERANK_MODEL: 'test-rerank' })
  await loadHandbook(app)
  reranker.behave({ delayMs: 1050 })
  await times(12, () => app.send('POST', '/search', freshQuestion()))
  const { setting, evidence } = await advised(app, 'rerank-slow')
  t.equal(setting, 'RERANK_CANDIDATES')
  t.match(evidence, /p95 \d{4} ms for RERANK_CANDIDATES 30, RERANK_TIMEOUT_MS 3000/)
})

t.test('vectors of questions take long: EMBEDDING_HEDGE_MS', async t => {
  const { app, model } = await start(t, {}, 'test-embedding')
  model.embeddings.behave({ delayMs: 550 })
  await times(12, () => app.send('POST', '/search', freshQuestion()))
  const { setting, evidence, action } = await advised(app, 'embedding-slow')
  t.equal(setting, 'EMBEDDING_HEDGE_MS')
  t.match(evidence, /p95 \d+ ms, .* of test-embedding/)
  t.match(action, /EMBEDDING_HEDGE_MS to about \d{4,}/)
})

t.test('prompts are large: PROMPT_TOKENS; and what they cost', async t => {
  const { app } = await start(t, {
    PROMPT_TOKENS: '4000',
    MODEL_PRICES: 'prompt=10,completion=30',
    MODEL_PRICE_CURRENCY: 'EUR',
  })
  const text = (house: number) =>
    Array.from(
      { length: 60 },
      (_, room) =>
        `In house ${house} a place in the dormitory costs ${house * 1000 + room * 7} tenge a month in room ${room}.`,
    ).join(' ')
  const documents = Array.from({ length: 8 }, (_, house) => ({
    source: `house-${house}.md`,
    title: `House ${house}`,
    text: text(house),
  }))
  t.equal((await app.send('PUT', '/documents', { documents }, { authorization: `Bearer ${adminKey}` })).status, 200)
  const details = 'so it is, '.repeat(350)
  const history = Array.from({ length: 6 }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: details.slice(0, 400),
  }))
  // Of rooms that the documents have.
  await times(12, room =>
    app.ask({
      question: `How much does a place in the dormitory cost in room ${room}? ${details}`,
      mode: 'fast',
      history,
    }),
  )
  const { setting, evidence } = await advised(app, 'prompts-large')
  t.equal(setting, 'PROMPT_TOKENS')
  t.match(evidence, /\d{4,} tokens per call on average over \d+ calls; PROMPT_TOKENS 4000/)
  const { models } = (await performanceOf(app)).windows['5m']
  t.ok(models.prompt_tokens > 0)
  t.same(models.cost, {
    amount: Math.round(models.prompt_tokens * 10 + models.completion_tokens * 30) / 1e6,
    currency: 'EUR',
  })
})
