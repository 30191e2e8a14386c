import type { Behaviour } from './behaviour.ts'
import { defaultDimensions, embed } from './embedding.ts'
import type { Exchange } from './exchange.ts'

/** POST /v1/embeddings. */

export interface EmbeddingsRequest {
  readonly model: string
  /** One or more texts or, as OpenAI allows, tokens. */
  readonly input: string | readonly (string | number | readonly number[])[]
  readonly dimensions?: number
  /** The `openai` package requests base64 by default. */
  readonly encoding_format?: 'float' | 'base64'
}

/** OpenAI's own limit of texts per request, beyond which a client has to split. */
const inputLimit = 2048

export function embeddings(exchange: Exchange, request: EmbeddingsRequest, behaviour: Behaviour): void {
  const texts = textsOf(request.input)
  const fault = faultIn(texts)
  if (fault !== undefined) return exchange.fail(400, fault)
  const dimensions = (request.dimensions ?? defaultDimensions) + (behaviour.wrongDimension === true ? 1 : 0)
  const { meaning = (text: string) => text } = behaviour
  const vectors = texts.map(text => embed(meaning(text).slice(0, behaviour.readsAtMost), dimensions))
  const tokens = texts.join(' ').split(/\s+/).length
  exchange.json(200, {
    object: 'list',
    model: request.model,
    data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector, request) })),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

function textsOf(input: EmbeddingsRequest['input']): string[] {
  if (typeof input === 'string') return [input]
  if (input.some(item => typeof item === 'number')) return [input.join(' ')]
  return input.map(item => (Array.isArray(item) ? item.join(' ') : String(item)))
}

function faultIn(texts: readonly string[]): string | undefined {
  if (texts.length === 0 || texts.some(text => text === '')) return "'$.input' is invalid: it must not be empty"
  if (texts.length > inputLimit) return `'$.input' is invalid: at most ${inputLimit} inputs, not ${texts.length}`
  return undefined
}

/** base64 of the bytes of the numbers, which are little-endian like every machine that runs this. */
function encode(vector: Float32Array, { encoding_format }: EmbeddingsRequest): string | number[] {
  return encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector]
}
