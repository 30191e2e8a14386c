import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { PassThrough, type Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import t, { type Test } from 'tap'
import { anyWorld } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { handbookSettings } from '../support/handbook-app.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'
import { isLeftOut, proxyKinds, proxySkipReason, startProxy, type ProxyKind } from '../support/proxies.ts'
import { startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Streams through real reverse proxies with the configurations of deploy/proxies. */

const question = 'How much does a place in the dormitory cost?'
/** Longer than the idle timeout of the proxies, which is set to 20 s here; heartbeats come every 15 s. */
const silenceMs = Number(process.env['SILENCE_MS'] ?? 25_000)

const model = await startModel(t)
const service = startService(t, {
  ...(await handbookSettings(t, anyWorld)),
  ...settingsFor(model),
  // These answers are made up.
  GROUNDING: 'off',
  // The name of each test is part of its question, which no document has: the model is to be asked for an answer alone.
  ABSTAIN_BELOW: '0',
  TRUST_PROXY: 'on',
  ANSWER_CACHE_SECONDS: '0',
  SEMANTIC_CACHE: 'off',
  MODEL_SILENCE_MS: '600000',
  REQUEST_TIMEOUT_MS: '600000',
  ALLOWED_HOSTS: '*',
})
const address = await service.ready()

/** A stream as a browser asks for it, which accepts compression. */
async function openStream(t: Test, url: string, text: string) {
  const outgoing = request(`${url}/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip', 'x-forwarded-for': '203.0.113.7' },
  })
  outgoing.end(JSON.stringify({ question: text, stream: true }))
  t.teardown(() => outgoing.destroy())
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body: Readable = reply.pipe(reply.headers['content-encoding'] === 'gzip' ? createGunzip() : new PassThrough())
  const stream = { status: reply.statusCode, headers: reply.headers, received: '', hasEnded: false }
  body.setEncoding('utf8').on('data', (chunk: string) => void (stream.received += chunk))
  body.on('close', () => void (stream.hasEnded = true)).on('error', () => void (stream.hasEnded = true))
  return stream
}

async function streamThrough(t: Test, url: string, ms: number): Promise<void> {
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  model.chat.behave({ answer: 'A place costs 12,000 tenge [1].', held, heldAfterTokens: 3, times: 1 })
  const stream = await openStream(t, url, `${question} ${t.name}`)
  t.equal(stream.status, 200)
  const ended = () => stream.hasEnded && stream.received
  await until('the first words arrive while the others are held', () => /event: delta/.test(stream.received), { ended })
  t.notMatch(stream.received, /event: done/)
  await atLeast(ms)
  release()
  await until('the stream is whole', () => /event: done/.test(stream.received), { ended })
}

for (const kind of proxyKinds) {
  const { name } = kind
  if (isLeftOut(kind)) t.comment(`${name} is left out: apt-get install ${name}`)
  else t.test(name, { skip: proxySkipReason(kind) }, async t => await tryProxy(t, kind))
}

async function tryProxy(t: Test, kind: ProxyKind): Promise<void> {
  const url = await startProxy(t, kind, address, config => config.replace(/\b60s/g, '20s'))

  t.test(`${kind.name}: events arrive one by one`, async t => await streamThrough(t, url, 0))

  t.test(`${kind.name}: a model that is silent for longer than the idle timeout of the proxy`, async t => {
    await streamThrough(t, url, silenceMs)
  })

  const { compressAll } = kind
  if (compressAll === null) return
  t.test(`${kind.name} compresses everything: events still arrive one by one`, async t => {
    const compressing = await startProxy(t, kind, address, compressAll)
    await streamThrough(t, compressing, 0)
  })
}
