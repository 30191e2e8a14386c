import { parentPort, workerData } from 'node:worker_threads'
import type { Tensor } from '@huggingface/transformers'
import type { WorkerReply } from '../worker-pool.ts'
import { createPairEncoder, type EncodedPair } from './pairs.ts'
import { numbersOf, openSession, type Outputs, type SessionSettings } from './session.ts'

/** A few texts that are scored together. */
export interface Batch {
  readonly question: string
  readonly texts: readonly string[]
}

/** Scores of a batch, 0…1; null where the question leaves no room for the text. */
export type BatchScores = readonly (number | null)[]

const port = parentPort!
const settings = workerData as SessionSettings
const { tokenizer, model, integers } = await openSession(settings)
const pairs = createPairEncoder(tokenizer)
const padding = BigInt(tokenizer.pad_token_id ?? 0)

port.on('message', async (batches: readonly Batch[]) => {
  port.postMessage(
    await scored(batches).catch((error: unknown): WorkerReply<BatchScores> => ({ error: String(error) })),
  )
})
port.postMessage({ results: [] } satisfies WorkerReply<BatchScores>)

async function scored(batches: readonly Batch[]): Promise<WorkerReply<BatchScores>> {
  const results: BatchScores[] = []
  for (const batch of batches) results.push(await score(batch))
  return { results }
}

/** A token is seldom longer. Texts are cut before they are encoded, which takes a second for 100 kB. */
const longestToken = 32

async function score({ question, texts }: Batch): Promise<BatchScores> {
  if (!pairs) throw new Error('its tokenizer cannot join a question and a text')
  const { maxTokens } = settings
  const encode = (text: string) => pairs.encode(text.slice(0, maxTokens * longestToken))
  const asked = encode(question)
  const encoded = texts.map(text => pairs.join(asked, encode(text), maxTokens))
  const fitting = encoded.filter(pair => pair !== null)
  if (fitting.length === 0) return encoded.map(() => null)
  const scores = scoresIn((await model(inputsOf(fitting))) as Outputs, fitting.length).values()
  return encoded.map(pair => (pair === null ? null : (scores.next().value ?? null)))
}

/** Shorter pairs are filled up on the right, which the mask tells the model to ignore. */
function inputsOf(encoded: readonly EncodedPair[]): Readonly<Record<string, Tensor>> {
  const length = Math.max(...encoded.map(({ ids }) => ids.length))
  const shape = [encoded.length, length]
  const fill = (valueOf: (pair: EncodedPair, i: number) => bigint) =>
    integers(
      BigInt64Array.from({ length: encoded.length * length }, (_, at) =>
        valueOf(encoded[Math.floor(at / length)]!, at % length),
      ),
      shape,
    )
  return {
    input_ids: fill(({ ids }, i) => (i < ids.length ? BigInt(ids[i]!) : padding)),
    attention_mask: fill(({ ids }, i) => (i < ids.length ? 1n : 0n)),
    token_type_ids: fill(({ types }, i) => BigInt(types[i] ?? 0)),
  }
}

/**
 * One logit per pair says how well the text answers. Of two, the second is for "relevant" and the first against it.
 */
function scoresIn(outputs: Outputs, count: number): readonly number[] {
  const [only] = Object.values(outputs)
  const logits = outputs['logits'] ?? (Object.keys(outputs).length === 1 ? only : undefined)
  const [rows, width = 1] = logits?.dims ?? []
  if (logits === undefined || logits.dims.length > 2 || rows !== count || width > 2)
    throw new Error(otherModel(outputs))
  const numbers = numbersOf(logits)
  const scores = Array.from({ length: count }, (_, i) =>
    width === 1 ? sigmoid(numbers[i]!) : sigmoid(numbers[2 * i + 1]! - numbers[2 * i]!),
  )
  if (!scores.every(Number.isFinite)) throw new Error('the model returned a score that is not a number')
  return scores
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

function otherModel(outputs: Outputs): string {
  const shapes = Object.entries(outputs).map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
  return `the model returns ${shapes.join(', ')}, but not one or two logits per pair`
}
