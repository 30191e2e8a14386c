import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultDimensions, embed } from './model/embedding.ts'
import type { Owner } from './server-process.ts'

/** How the server behaves. It may be changed while it runs. */
export interface SlowBehaviour {
  /** Time for each text. It works on one request at a time, and to the end even when nobody waits any more. */
  perTextMs: number
  /** A request with more texts is rejected with `tooMany`. */
  mostTexts: number
  tooMany: { readonly status: number; readonly message: string }
  /** Replies that are sent instead, to the next requests that are to be embedded. */
  instead: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }[]
  /** Another model under the same name: its vectors mean something else. */
  seed: string
  dimensions: number
  /** The only name that it knows; null takes any. */
  name: string | null
}

export interface SlowEmbeddings extends SlowBehaviour {
  /** For OPENAI_BASE_URL. */
  readonly url: string
  /** Texts of each request, in order of arrival. */
  readonly requests: readonly (readonly string[])[]
  /** Requests whose client left before the reply. */
  readonly aborted: number
  /** Most requests at the same time. */
  readonly atOnce: number
}

/** An embedding server as slow as those on a CPU: requests wait for each other, and texts take their time. */
export async function startSlowEmbeddings(t: Owner, behaviour: Partial<SlowBehaviour> = {}): Promise<SlowEmbeddings> {
  const requests: string[][] = []
  let [aborted, underWay, atOnce] = [0, 0, 0]
  let last: Promise<unknown> = Promise.resolve()
  const now: SlowBehaviour = {
    perTextMs: 0,
    mostTexts: Infinity,
    tooMany: { status: 413, message: 'Payload too large' },
    instead: [],
    seed: '',
    dimensions: defaultDimensions,
    name: null,
    ...behaviour,
  }

  const server = createServer(async (request, response) => {
    const {
      input,
      encoding_format: format,
      model,
    } = (await json(request)) as {
      model: string
      input: string | string[]
      encoding_format: string
    }
    const texts = [input].flat()
    requests.push(texts)
    atOnce = Math.max(atOnce, ++underWay)
    response.once('close', () => {
      underWay -= 1
      if (!response.writableEnded) aborted += 1
    })
    const reply = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(body))
    }
    const instead = now.instead.shift()
    if (instead) return reply(instead.status, { error: { message: 'as told' } }, instead.headers)
    if (now.name !== null && model !== now.name)
      return reply(404, { error: { message: `model "${model}" not found`, code: 'model_not_found' } })
    if (texts.length > now.mostTexts) return reply(now.tooMany.status, { error: { message: now.tooMany.message } })
    const work = last.then(() => sleep(now.perTextMs * texts.length))
    last = work
    await work
    const data = texts.map((text, index) => {
      const vector = embed(now.seed === '' ? text : seeded(text, now.seed), now.dimensions)
      return { index, embedding: format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector] }
    })
    reply(200, { object: 'list', data, usage: { prompt_tokens: 1, total_tokens: 1 } })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return Object.defineProperties(now, {
    url: { value: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` },
    requests: { value: requests },
    aborted: { get: () => aborted },
    atOnce: { get: () => atOnce },
  }) as SlowEmbeddings
}

/** Other words: their vectors have nothing in common with those of the text. */
function seeded(text: string, seed: string): string {
  return text.replace(/[\p{L}\p{N}]+/gu, word => `${seed}${[...word].reverse().join('')}`)
}
