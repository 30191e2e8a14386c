import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { adminKey, databaseSettings } from '../support/app.ts'
import { startModel } from '../support/model.ts'
import { startReranker } from '../support/reranker.ts'
import { clientOf, emptyFolder, startService } from '../support/service.ts'

/** Answers, vectors and reranking from three providers, each with its own key and headers. */

const told = 'The library lends books for 28 days [1].'

/** A chat API that takes one key only. */
async function startChat(test: Test) {
  const chat = { url: '', key: 'the-first-chat-key', seen: [] as IncomingHttpHeaders[] }
  const server = createServer((incoming, reply) => {
    chat.seen.push(incoming.headers)
    incoming.resume().once('end', () => {
      if (incoming.headers.authorization !== `Bearer ${chat.key}`) return void reply.writeHead(401).end('{}')
      const choices = [{ index: 0, delta: { content: told }, finish_reason: 'stop' }]
      reply.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.end(`data: ${JSON.stringify({ choices })}\n\ndata: [DONE]\n\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  chat.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  return chat
}

t.test('three providers', async t => {
  const [chat, embeddings, reranker] = [await startChat(t), await startModel(t), await startReranker(t)]
  const keyFile = join(emptyFolder(t), 'chat')
  writeFileSync(keyFile, chat.key)
  const service = startService(t, {
    ...(await databaseSettings(t, 'embedded')),
    OPENAI_BASE_URL: chat.url,
    OPENAI_API_KEY_FILE: keyFile,
    OPENAI_HEADERS: 'X-Team: chat-secret-value',
    CHAT_MODEL: 'm',
    GROUNDING: 'off',
    EMBEDDING_BASE_URL: embeddings.url,
    EMBEDDING_API_KEY: 'the-embedding-key',
    EMBEDDING_HEADERS: '{"X-Team": "embedding-secret-value"}',
    EMBEDDING_MODEL: 'test-embedding',
    EMBEDDING_UNITS: 'off',
    RERANK_URL: reranker.url,
    RERANK_MODEL: 'test-rerank',
    RERANK_API_KEY: 'the-rerank-key',
    ADMIN_API_KEY: adminKey,
    ANSWER_CACHE_SECONDS: '0',
    FAST_ANSWER_CACHE_SECONDS: '0',
    ABSTAIN_BELOW: '0',
    RATE_LIMIT: '0',
  })
  const { ask, send } = clientOf(await service.ready())
  const text = '# Lending\n\nThe library lends books for 28 days.\n\n# Fees\n\nA late book costs 10 cents a day.'
  const documents = [
    { source: 'library', title: 'Library', text },
    { source: 'archive', title: 'Archive', text: 'The archive lends no books, but it is open for 28 days a month.' },
    { source: 'shop', title: 'Shop', text: 'The shop sells books of the library that nobody lends.' },
  ]
  const admin = { authorization: `Bearer ${adminKey}` }
  t.equal((await send('PUT', '/documents', { documents }, admin)).status, 200)
  const question = 'How many days does the library lend books?'

  await t.test('each gets its own key and headers, and nothing of the others', async t => {
    t.match((await ask({ question, top_k: 1 })).json, { answer: told, degraded: [] })
    t.match(chat.seen.at(-1), { authorization: 'Bearer the-first-chat-key', 'x-team': 'chat-secret-value' })
    t.match(embeddings.embeddings.requests.at(-1)?.headers, {
      authorization: 'Bearer the-embedding-key',
      'x-team': 'embedding-secret-value',
    })
    t.equal(reranker.requests.at(-1)?.authorization, 'Bearer the-rerank-key')
    t.equal(embeddings.chat.requests.length, 0)
  })

  await t.test('a key that was replaced in its file: no question notices', async t => {
    chat.key = 'the-second-chat-key'
    writeFileSync(keyFile, `${chat.key}\n`)
    t.match((await ask({ question, top_k: 1 })).json, { answer: told, degraded: [] })
    t.equal(chat.seen.at(-1)?.authorization, 'Bearer the-second-chat-key')
  })

  await t.test('a key that is rejected for good: the log names the setting, and shows no secret', async t => {
    chat.key = 'a-key-that-nobody-has'
    t.match((await ask({ question, top_k: 1 })).json, { generator: 'extractive', degraded: ['generation'] })
    t.notMatch(JSON.stringify(service.log), /chat-key|embedding-key|rerank-key|secret-value/)
  })
})
