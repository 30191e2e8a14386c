import { SpanKind } from '@opentelemetry/api'
import { basename, join } from 'node:path'
import type { RerankCall, Reranker } from '../../../ask/retrieval/rerank.ts'
import { AskError, callNotMade, isAskError } from '../../../errors.ts'
import { genAi, ourselves } from '../../../tracing/names.ts'
import { inChild } from '../../../tracing/span.ts'
import { onnxModelName } from '../names.ts'
import { createWorkerPool, type WorkerPool } from '../worker-pool.ts'
import { batchesOf } from './batches.ts'
import type { Batch, BatchScores } from './cross-encoder-worker.ts'
import { readModelFolder, type ModelFolder } from './folder.ts'
import { unusable } from './json.ts'
import { loadTransformers } from './library.ts'
import { coresPerText, type SessionSettings } from './session.ts'

const program = new URL('./cross-encoder-worker.ts', import.meta.url)
/** Questions whose texts are scored in turn. With more, none would get far before its time is over. */
const mostQuestions = 32

export interface CrossEncoder extends Reranker {
  close(): Promise<void>
}

/**
 * A cross-encoder in an ONNX folder on disk, in one worker thread. Rejects with what to do if the folder, the package
 * or the model is unusable: a first pair is scored here, which also loads the model before the first question.
 *
 * `score` returns what was scored when the time of the call is over, and null for the other texts. Texts of several
 * questions are scored in turn. Those of a caller that left are not scored any more.
 */
export async function openCrossEncoder(path: string): Promise<CrossEncoder> {
  const folder = await readModelFolder('RERANK_MODEL', path)
  await loadTransformers('RERANK_MODEL')
  const pool = createWorkerPool<Batch, BatchScores>({
    name: 'The reranker',
    program,
    size: 1,
    itemsAtOnce: 1,
    order: 'inTurn',
    data: settingsOf(folder),
  })
  await prove(pool, folder)
  const model = onnxModelName(basename(folder.folder), folder.fingerprint)
  const attributes = { [genAi.operation]: 'rerank', [genAi.provider]: ourselves, [genAi.model]: model }

  async function score(...args: Parameters<Reranker['score']>): Promise<readonly (number | null)[]> {
    const texts = args[1].length
    return await inChild(
      `rerank ${model}`,
      SpanKind.INTERNAL,
      () => ({ ...attributes, 'askwell.rerank.texts': texts }),
      async span => {
        const scores = await scored(...args)
        span?.setAttribute('askwell.rerank.scored', scores.filter(each => each !== null).length)
        return scores
      },
    )
  }

  async function scored(
    question: string,
    texts: readonly string[],
    signal: AbortSignal,
    { deadline = Infinity, onSent }: RerankCall = {},
  ): Promise<readonly (number | null)[]> {
    if (pool.waiting() >= mostQuestions)
      throw new AskError('model_busy', {
        detail: 'So many questions wait for the reranker that it cannot read this one in time.',
        kind: callNotMade,
      })
    const scores: (number | null)[] = texts.map(() => null)
    if (deadline <= performance.now()) return scores
    onSent?.()
    const batches = batchesOf(texts)
    const limit = timeLimit(signal, deadline)
    const take = (first: number, results: readonly BatchScores[]) =>
      results.forEach((result, i) => batches[first + i]!.forEach((text, j) => void (scores[text] = result[j] ?? null)))
    try {
      const work = batches.map(batch => ({ question, texts: batch.map(text => texts[text]!) }))
      await pool.run(work, limit.signal, take)
    } catch (error) {
      if (!limit.isOver() || signal.aborted) throw error
    } finally {
      limit.stop()
    }
    return scores
  }

  return { model, isInProcess: true, score, close: () => pool.close() }
}

/** Aborts with `signal`, and when the time is over. */
function timeLimit(signal: AbortSignal, deadline: number) {
  const timer = new AbortController()
  const left = deadline - performance.now()
  const timeout = left < longestTimeout ? setTimeout(() => timer.abort(), Math.max(0, left)) : undefined
  return {
    signal: AbortSignal.any([signal, timer.signal]),
    isOver: () => timer.signal.aborted,
    stop: () => clearTimeout(timeout),
  }
}

/** `setTimeout` takes no longer one. */
const longestTimeout = 2 ** 31

function settingsOf({ setting, folder, file, maxTokens }: ModelFolder): SessionSettings {
  return { setting, folder, file, maxTokens, cores: coresPerText() }
}

async function prove(pool: WorkerPool<Batch, BatchScores>, model: ModelFolder): Promise<void> {
  try {
    await proveWith(pool, model)
  } catch (error) {
    await pool.close()
    throw error
  }
}

async function proveWith(
  pool: WorkerPool<Batch, BatchScores>,
  { setting, folder, file, maxTokens }: ModelFolder,
): Promise<void> {
  const sample = { question: 'Who?', texts: ['Nobody.', 'A first text, to load the model.'] }
  const proof = await pool.run([sample], new AbortController().signal).catch((error: unknown) => {
    if (!isAskError(error)) throw error
    const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
    throw unusable(
      setting,
      join(folder, file),
      `does not run as a cross-encoder; use the ONNX export of a reranker, which reads question and text together: optimum-cli export onnx --task text-classification${cause}`,
      error.cause,
    )
  })
  if (proof.flat().includes(null))
    throw unusable(setting, folder, `takes ${maxTokens} tokens, too few for a question and a text`)
}
