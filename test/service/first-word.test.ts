import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atLeast } from '../support/at-least.ts'
import t, { type Test } from 'tap'
import { adminKey, anyWorld } from '../support/app.ts'
import { startHandbookApp } from '../support/handbook-app.ts'

/** How long a language model is waited for that thinks, or reads slowly. */

const event = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`
const told = 'A place costs 12,000 tenge a month [1].'

async function startModel(test: Test, before: (reply: ServerResponse) => Promise<void>) {
  const model = { before, url: '', prompts: [] as string[] }
  const server = createServer(async (incoming, reply) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    model.prompts.push(Buffer.concat(chunks).toString())
    await model.before(reply)
    if (!reply.headersSent) reply.writeHead(200, { 'content-type': 'text/event-stream' })
    reply.end(event({ content: told }) + event({}, 'stop') + 'data: [DONE]\n\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  model.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return model
}

const settings = (url: string) => ({
  OPENAI_BASE_URL: url,
  CHAT_MODEL: 'm',
  GROUNDING: 'off',
  EMBEDDING_MODEL: 'local',
  ABSTAIN_BELOW: '0',
  ANSWER_CACHE_SECONDS: '0',
  FAST_ANSWER_CACHE_SECONDS: '0',
  RATE_LIMIT: '0',
})
const question = 'How much does a place in the dormitory cost?'

t.test('thoughts and comments are signs of life, however long they go on', async t => {
  const pieces = { thought: event({ content: '', reasoning_content: 'hm' }), comment: ': PROCESSING\n\n' }
  const model = await startModel(t, async () => {})
  const app = await startHandbookApp(t, anyWorld, { ...settings(model.url), MODEL_SILENCE_MS: '2000' })
  for (const [name, piece] of Object.entries(pieces)) {
    model.before = async reply => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      for (let i = 0; i < 15; i++) {
        reply.write(piece)
        await atLeast(200)
      }
    }
    t.match((await app.ask({ question })).json, { answer: told, generator: 'llm', degraded: [] }, name)
  }
})

t.test('a model that reads slowly: it is waited for as it needs, and a finding names the setting', async t => {
  const model = await startModel(t, async () => void (await atLeast(4600)))
  const app = await startHandbookApp(t, anyWorld, { ...settings(model.url), MODEL_SILENCE_MS: '2000' })
  t.match((await app.ask({ question })).json, { generator: 'extractive', degraded: ['generation'] })
  const findings = async () => {
    const { json } = await app.send('GET', '/monitoring/pool-status', undefined, {
      authorization: `Bearer ${adminKey}`,
    })
    return (json.service.findings as { code: string; detail: string }[]).filter(
      ({ code }) => code === 'chat-first-word-late',
    )
  }
  t.match(await findings(), [{ detail: /did not begin 1 of 1 answer .*MODEL_FIRST_WORD_MS/ }])
  for (let i = 0; i < 2; i++) t.match((await app.ask({ question })).json, { answer: told, degraded: [] })
  t.match(await findings(), [{ detail: /did not begin 1 of 3 answers .* usually needs \d\.\d s/ }])
})

t.test('MODEL_FIRST_WORD_MS: from the first question on', async t => {
  const model = await startModel(t, async () => void (await atLeast(1200)))
  const waits = { MODEL_SILENCE_MS: '500', MODEL_FIRST_WORD_MS: '20000' }
  const app = await startHandbookApp(t, anyWorld, { ...settings(model.url), ...waits })
  t.match((await app.ask({ question })).json, { answer: told, degraded: [] })
})

const rooms = ['kitchen', 'laundry', 'library', 'workshop', 'garden', 'gym', 'attic', 'cellar', 'hall', 'office']

/** About 250 tokens. */
function rulesOf(house: string): string {
  const rules = rooms.map(
    room =>
      `The ${room} of the ${house} house is one of its rooms, and its tenants keep the ${room} of ${house} clean.`,
  )
  return rules.join(' ')
}

t.test('a model that reads slowly gets shorter prompts when its first word would come too late', async t => {
  const model = await startModel(t, async () => void (await atLeast(4000)))
  const app = await startHandbookApp(t, anyWorld, {
    ...settings(model.url),
    MODEL_FIRST_WORD_MS: '20000',
    REQUEST_TIMEOUT_MS: '6500',
  })
  const houses = ['Almaty', 'Bishkek', 'Tashkent', 'Samarkand', 'Astana']
  const documents = houses.map(house => ({ source: house, title: `The ${house} house`, text: rulesOf(house) }))
  const collection = 'houses'
  await app.send('PUT', '/documents', { collection, documents }, { authorization: `Bearer ${adminKey}` })
  const wide = { question: 'Which rooms does each house have?', collection, top_k: 20, mode: 'fast' }
  t.match((await app.ask(wide)).json, { degraded: [] })
  await app.ask(wide)
  const [first = '', second = ''] = model.prompts
  t.ok(second.length < first.length, `${first.length} characters, then ${second.length}`)
})
