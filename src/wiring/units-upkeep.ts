import type { Logger } from 'pino'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { missingUnits } from '../adapters/postgres/store/missing-units.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { createCallSize } from '../ingest/call-size.ts'
import { fillUnits, type FillResult } from '../ingest/fill-units.ts'
import type { Step } from '../resilience/pace.ts'

export interface UnitsUpkeepParts {
  readonly database: Pick<Database, 'lease' | 'mayWrite'>
  readonly store: Pick<CollectionStore, 'collection' | 'collections'>
  readonly embedder: Embedder
  readonly step: Step
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly onFilled?: (collection: string) => void
  /** From a write to the first batch, so that writes that follow each other are filled together. */
  readonly delayMs?: number
  /** Pause after a failure; doubled each time up to sixty-fold. Before a collection that another process fills, three of them. */
  readonly pauseMs?: number
  /** Other collections get their turn after so long. */
  readonly turnMs?: number
}

export interface UnitsUpkeep {
  /** Looks at all collections: a process may have ended in the middle of one, or an older version left them without. */
  start(): void
  /** Call this after a write to the collection. */
  written(collection: string): void
  /** Aborts the batch under way; the next start or write goes on there. */
  close(): Promise<void>
}

interface FilledUpTo {
  readonly owner: string
  readonly epoch: number
  /** A chunk. */
  readonly after: string
}

/** Lost when a process is killed. */
const batchChunks = 16
const mostDoublings = 6

/** Fills a collection for a turn; null when it is gone or has vectors of another model. */
type FillTurn = (collection: string, signal: AbortSignal) => Promise<FillResult | null>

/**
 * Embeds missing units in the background, a collection at a time. Of several processes one fills a collection. Nobody waits
 * for it, its calls are small and make way for questions, and when the model fails it waits longer each time.
 */
export function openUnitsUpkeep(parts: UnitsUpkeepParts): UnitsUpkeep {
  const { database, store, embedder, log, onFilled = () => {}, delayMs = 200, pauseMs = 5000 } = parts
  const stop = new AbortController()
  const { signal } = stop
  const due = new Map<string, NodeJS.Timeout>()
  const failures = new Map<string, number>()
  /** Chunks filled in earlier turns. */
  const filledBefore = new Map<string, number>()
  const fill = createFillTurn(parts)
  let last: Promise<void> = Promise.resolve()

  function schedule(collection: string, ms: number): void {
    if (signal.aborted || due.has(collection)) return
    due.set(
      collection,
      setTimeout(() => {
        due.delete(collection)
        last = last.then(() => maintain(collection))
      }, ms).unref(),
    )
  }

  function start(): void {
    if ((embedder.unitsUpTo ?? 0) === 0) return
    last = last.then(async () => {
      try {
        for (const { name } of await store.collections(signal)) schedule(name, 0)
      } catch (error) {
        report(error, {})
      }
    })
  }

  async function maintain(name: string): Promise<void> {
    if (signal.aborted) return
    try {
      if (!(await database.mayWrite())) return
      const result = await fill(name, signal)
      failures.delete(name)
      if (result !== null) settle(name, result)
    } catch (error) {
      const count = failures.get(name) ?? 0
      failures.set(name, count + 1)
      if (count === 0) report(error, { collection: name })
      schedule(name, pauseMs * 2 ** Math.min(count, mostDoublings))
    }
  }

  function settle(name: string, { state, filled, remaining }: FillResult): void {
    if (state === 'claimed') return schedule(name, 3 * pauseMs)
    const sum = (filledBefore.get(name) ?? 0) + filled
    if (state === 'more') {
      filledBefore.set(name, sum)
      log.info({ collection: name, chunks: sum, remaining }, 'embedding sentences in the background')
      return schedule(name, 0)
    }
    filledBefore.delete(name)
    if (state !== 'filled' || sum === 0) return
    log.info({ collection: name, chunks: sum }, 'all sentences have vectors of their own')
    onFilled(name)
  }

  function report(error: unknown, fields: object): void {
    if (signal.aborted) return
    log.warn(
      { ...fields, err: error },
      'sentences could not be embedded in the background: passages are found without them; it is tried again, or run askwell reembed',
    )
  }

  async function close(): Promise<void> {
    stop.abort(new Error('the service is shutting down'))
    for (const timer of due.values()) clearTimeout(timer)
    await last
  }

  return { start, written: collection => schedule(collection, delayMs), close }
}

function createFillTurn({ database, store, embedder, step, log, turnMs = 60_000 }: UnitsUpkeepParts): FillTurn {
  /** Up to where each was filled before: a large collection is not looked through after every write. */
  const filledUpTo = new Map<string, FilledUpTo>()
  const calls = createCallSize(step)

  return async (name, signal) => {
    const collection = await store.collection(name, signal)
    if (collection?.model?.name !== embedder.model) return null
    const owner = { collectionId: collection.id, modelId: collection.model.id }
    const now = { owner: Object.values(owner).join(), epoch: collection.epoch }
    const after = startOf(filledUpTo.get(name), now)
    filledUpTo.delete(name)
    const result = await fillUnits(embedder, missingUnits(database, owner, signal), {
      after,
      signal,
      step: calls.step,
      callSize: calls.size,
      batchChunks,
      mostMs: turnMs,
      onRejected: (chunkId, reason) =>
        log.warn({ collection: name, chunkId, reason }, 'the embedding model rejects the sentences of a chunk'),
    })
    if (result.state === 'filled' || result.state === 'more') filledUpTo.set(name, { ...now, after: result.after })
    return result
  }
}

/** From the start, if it is another collection, or was restored to what it was before. */
function startOf(known: FilledUpTo | undefined, now: Omit<FilledUpTo, 'after'>): string {
  return known?.owner === now.owner && now.epoch >= known.epoch ? known.after : '0'
}
