import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { missingVectors } from '../adapters/postgres/store/missing-vectors.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { createBackgroundCalls } from '../ingest/background-calls.ts'
import { fillVectors, type FillResult } from '../ingest/fill-vectors.ts'
import type { Step } from '../resilience/pace.ts'
import type { ModelCheck } from './model-check.ts'
import { openCollectionUpkeep, type Upkeep, type UpkeepOutcome } from './upkeep.ts'

export interface VectorsUpkeepParts {
  readonly database: Pick<Database, 'lease' | 'mayWrite'>
  readonly store: Pick<CollectionStore, 'collection' | 'collections'>
  /** Collections that were noted to lack vectors. */
  readonly toFill: (signal: AbortSignal) => Promise<readonly { readonly name: string }[]>
  readonly embedder: Embedder
  readonly step: Step
  /** Awaited before a collection is filled: it notices a model that has changed. */
  readonly beforeLoad: ModelCheck['beforeLoad']
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly onFilled?: (collection: string) => void
  /** From a write to the first batch, so that writes that follow each other are filled together. */
  readonly delayMs?: number
  /** Pause after a failure, doubled each time up to 64 of them; and before a collection that another process fills. */
  readonly pauseMs?: number
  /** Other collections get their turn after so long. */
  readonly turnMs?: number
  /** How often it looks for what another process noted and then did not fill in. */
  readonly lookEveryMs?: number
}

export interface VectorsUpkeep extends Pick<Upkeep, 'written' | 'close'> {
  /**
   * Goes on where a process ended. Where units are made it looks at all collections: an older version left them without.
   */
  start(): void
}

interface FilledUpTo {
  readonly owner: string
  readonly epoch: number
  /** Chunks up to this id have units. */
  readonly after: string
  /** Chunks up to this id have vectors. */
  readonly vectorsAfter: string
}

/** Lost when a process is killed. */
const batchChunks = 16
const longestRetry = 64

/** Fills a collection for a turn; null when it is gone or has vectors of another model. */
type FillTurn = (collection: string, filledBefore: number, signal: AbortSignal) => Promise<FillResult | null>

/**
 * Embeds missing vectors and units in the background, a collection at a time. Of several processes one fills a collection.
 * Nobody waits for it, its calls are small and make way for questions, and when the model fails it waits longer each time.
 */
export function openVectorsUpkeep(parts: VectorsUpkeepParts): VectorsUpkeep {
  const { database, store, toFill, embedder, log, onFilled = () => {} } = parts
  const { delayMs = 200, pauseMs = 5000, lookEveryMs = 60_000 } = parts
  /** Chunks filled in earlier turns. */
  const filledBefore = new Map<string, number>()
  const fill = createFillTurn(parts)

  function settle(name: string, { state, filled, remaining }: FillResult): UpkeepOutcome {
    const sum = (filledBefore.get(name) ?? 0) + filled
    filledBefore.set(name, sum)
    if (state === 'claimed') return 'later'
    if (state === 'more') {
      log.info({ collection: name, chunks: sum, remaining }, 'embedding passages and sentences in the background')
      return 'more'
    }
    filledBefore.delete(name)
    if (sum === 0) return 'done'
    const what = state === 'filled' ? 'passages and sentences' : 'passages'
    log.info({ collection: name, chunks: sum }, `all ${what} have their vectors`)
    onFilled(name)
    return 'done'
  }

  const upkeep = openCollectionUpkeep({
    quietMs: delayMs,
    longestMs: delayMs,
    retryMs: pauseMs,
    longestRetryMs: longestRetry * pauseMs,
    async maintain(name, signal) {
      const result = (await database.mayWrite()) ? await fill(name, filledBefore.get(name) ?? 0, signal) : null
      return result === null ? 'done' : settle(name, result)
    },
    onFailure: (error, about) =>
      log.warn(
        { ...about, err: error },
        'passages or sentences could not be embedded in the background: documents are found without them; it is tried again, or run askwell reembed',
      ),
  })
  let timer: NodeJS.Timeout | undefined
  return {
    written: upkeep.written,
    start() {
      upkeep.start(signal => ((embedder.unitsUpTo ?? 0) > 0 ? store.collections(signal) : toFill(signal)))
      // A command that loads documents may be killed before their vectors are there.
      timer ??= setInterval(() => upkeep.look(toFill), lookEveryMs).unref()
    },
    async close() {
      clearInterval(timer)
      await upkeep.close()
    },
  }
}

function createFillTurn(parts: VectorsUpkeepParts): FillTurn {
  const { database, store, embedder, step, beforeLoad, log, turnMs = 60_000 } = parts
  /** Up to where each was filled before: a large collection is not looked through after every write. */
  const filledUpTo = new Map<string, FilledUpTo>()
  const calls = createBackgroundCalls()

  /** The collection, if its vectors are those of our model. */
  async function ours(name: string, signal: AbortSignal) {
    const found = await store.collection(name, signal)
    return found?.model?.name === embedder.model && !found.model.changed ? { ...found, model: found.model } : null
  }

  return async (name, filledBefore, signal) => {
    const found = await ours(name, signal)
    if (found) await beforeLoad(found, signal)
    const collection = found && (await ours(name, signal))
    if (collection === null) return null
    const owner = { collectionId: collection.id, modelId: collection.model.id }
    const now = { owner: Object.values(owner).join(), epoch: collection.epoch }
    const start = startOf(filledUpTo.get(name), now)
    filledUpTo.delete(name)
    const result = await fillVectors(embedder, missingVectors(database, owner, embedder.languages, signal), {
      ...start,
      filledBefore,
      signal,
      step,
      calls,
      batchChunks,
      mostMs: turnMs,
      onRejected: (chunkId, reason) =>
        log.warn({ collection: name, chunkId, reason }, 'the embedding model rejects a chunk, or its sentences'),
    })
    const { state, after, vectorsAfter } = result
    if (state === 'filled' || state === 'more') filledUpTo.set(name, { ...now, after, vectorsAfter })
    return result
  }
}

/** From the start, if it is another collection, or was restored to what it was before. */
function startOf(
  known: FilledUpTo | undefined,
  now: Pick<FilledUpTo, 'owner' | 'epoch'>,
): Pick<FilledUpTo, 'after' | 'vectorsAfter'> {
  if (known?.owner !== now.owner || now.epoch < known.epoch) return { after: '0', vectorsAfter: '0' }
  return { after: known.after, vectorsAfter: known.vectorsAfter }
}
