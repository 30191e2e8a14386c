import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Owner } from './server-process.ts'

/** Vectors of texts, whatever model they are asked of. */
export type EmbedTexts = (texts: readonly string[], model: string) => Promise<readonly ArrayLike<number>[]>

/** Serves any model behind OpenAI's protocol for embeddings, under every name. Returns a value for OPENAI_BASE_URL. */
export async function serveEmbeddings(t: Owner, embed: EmbedTexts): Promise<string> {
  const server = createServer(async (request, response) => {
    try {
      const { input, model } = (await json(request)) as { input: string | string[]; model: string }
      const vectors = await embed([input].flat(), model)
      const data = vectors.map((vector, index) => ({
        object: 'embedding',
        index,
        embedding: Buffer.from(Float32Array.from(vector).buffer).toString('base64'),
      }))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ object: 'list', model, data, usage: { prompt_tokens: 1, total_tokens: 1 } }))
    } catch (error) {
      response.statusCode = 400
      response.end(JSON.stringify({ error: { message: String(error) } }))
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
}
