import type { Logger } from 'pino'
import { createModelChanges } from '../adapters/postgres/store/model-changes.ts'
import type { CollectionStore } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import type { Models } from '../adapters/models/models.ts'
import { checkModel } from '../ingest/model-check.ts'
import type { Collection } from '../ingest/terms.ts'
import { startDeadline } from '../resilience/deadline.ts'

export interface ModelCheckParts {
  readonly database: Pick<Database, 'lease' | 'mayWrite'>
  readonly store: Pick<CollectionStore, 'collections'>
  readonly models: Pick<Models, 'embedder' | 'isEmbedderRemote'>
  readonly log: Pick<Logger, 'info' | 'error'>
  /** Called when a model was found to have changed, or to be the old one again. */
  readonly onChange?: () => void
  /** Between two checks in the background; none for 0. */
  readonly everyMs: number
}

export interface ModelCheck {
  /** Checks now, and then regularly. A model on disk has the hash of its files in its name, and needs no check. */
  start(): void
  /** Checks before a load, unless that was done lately. A model that fails is left to the load itself. */
  beforeLoad(collection: Collection, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** A load relies on a check that is no older. */
const trustedMs = 60_000
/** Longest time of a check. */
const mostMs = 60_000

/** Notices when the model behind the configured name makes other vectors than those that are stored. */
export function openModelCheck(parts: ModelCheckParts): ModelCheck {
  const { database, store, models, log, onChange = () => {}, everyMs } = parts
  const { embedder, isEmbedderRemote } = models
  const changes = createModelChanges(database)
  const stop = new AbortController()
  const checkedAt = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  async function check(collection: Collection, signal: AbortSignal): Promise<void> {
    const { model } = collection
    const limit = startDeadline('the model check', mostMs, signal)
    try {
      const change = await checkModel(collection, embedder, changes, limit.signal)
      if (model) checkedAt.set(model.id, performance.now())
      if ((change === null) === (model?.changed === undefined)) return
      const fields = { model: model?.name, collection: collection.name, ...change }
      if (change)
        log.error(
          { ...fields, code: 'embedding-model-changed' },
          'the embedding model makes other vectors than those that are stored: questions are answered by words alone and nothing is loaded, until askwell reembed has rebuilt the vectors of each collection',
        )
      else log.info(fields, 'the embedding model makes the vectors again that are stored')
      onChange()
    } finally {
      limit.stop()
    }
  }

  /** One collection: all vectors of a model mean the same. */
  async function checkAny(): Promise<void> {
    if (!(await database.mayWrite())) return
    const ours = (await store.collections(stop.signal)).filter(
      ({ model, chunkCount }) => model?.name === embedder.model && chunkCount > 0,
    )
    const one = ours[Math.floor(Math.random() * ours.length)]
    if (one) await check(one, stop.signal)
  }

  function start(): void {
    if (!isEmbedderRemote || everyMs === 0) return
    // A model or a database that fails is reported where questions need it; the next check comes.
    running = checkAny().catch(() => {})
    timer = setInterval(() => void (running = checkAny().catch(() => {})), everyMs).unref()
  }

  async function beforeLoad(collection: Collection, signal: AbortSignal): Promise<void> {
    const { model } = collection
    if (model === null || !isEmbedderRemote || performance.now() - (checkedAt.get(model.id) ?? -Infinity) < trustedMs)
      return
    try {
      await check(collection, signal)
    } catch {
      signal.throwIfAborted()
    }
  }

  async function close(): Promise<void> {
    clearInterval(timer)
    stop.abort(new Error('the service is shutting down'))
    await running
  }

  return { start, beforeLoad, close }
}
