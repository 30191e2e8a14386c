import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Question } from '../retrieval/questions.ts'
import { dimensions } from '../retrieval/vectors.ts'

/**
 * `node bench/latency/known-vectors.ts PORT QUESTIONS.jsonl`: POST /v1/embeddings for the questions that
 * bench/retrieval/load.ts made, whose vectors no model could make. Any other text gets a vector of its first axis.
 */
const [port, file] = process.argv.slice(2)
const lines = readFileSync(file!, 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Question)
const known = new Map(lines.map(({ question, vector }) => [question, encoded(Float32Array.from(vector))]))
const other = encoded(Float32Array.from({ length: dimensions }, (_, axis) => (axis === 0 ? 1 : 0)))

function encoded(vector: Float32Array): { readonly base64: string; readonly float: readonly number[] } {
  return { base64: Buffer.from(vector.buffer).toString('base64'), float: [...vector] }
}

interface Body {
  readonly model: string
  readonly input: string | readonly string[]
  readonly encoding_format?: 'float' | 'base64'
}

const server = createServer(async (request, reply) => {
  if (request.method !== 'POST') return void reply.end('{}')
  const { model, input, encoding_format: format = 'float' } = (await json(request)) as Body
  const texts = typeof input === 'string' ? [input] : input
  const data = texts.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: (known.get(text) ?? other)[format],
  }))
  reply
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ object: 'list', model, data, usage: { prompt_tokens: 1, total_tokens: 1 } }))
})
server.listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit())
