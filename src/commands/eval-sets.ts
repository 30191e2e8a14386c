import type { Config } from '../config.ts'
import { openDeps, type Deps } from '../deps.ts'
import { withCollection } from '../eval/collection.ts'
import { measureSet, type Measured } from '../eval/measure.ts'
import { writeRun } from '../eval/run-file.ts'
import type { EvalSet } from '../eval/set.ts'
import { createLogger } from '../log.ts'
import { createCounter, createProgress } from './progress.ts'

export interface EvaluateOptions {
  readonly language: 'given' | 'detect'
  /** Folder for TREC runs. */
  readonly run?: string
  readonly keep?: boolean
}

export interface Evaluated {
  /** The embedding model's name. */
  readonly model: string
  readonly variants: readonly Measured[]
}

/** Opens the service without its edge, and measures one set after the other in a collection of its own. */
export async function evaluate(sets: readonly EvalSet[], given: Config, options: EvaluateOptions, signal: AbortSignal): Promise<Evaluated> {
  const config = configOf(given, options)
  const deps = await openDeps(config, createLogger(config))
  try {
    const variants: Measured[] = []
    for (const set of sets) variants.push(...(await evaluateSet(set, { deps, config, options, signal })))
    return { model: deps.models.embedder.model, variants }
  } finally {
    await deps.close()
  }
}

/**
 * A database in memory, unless one is named or the collection is to be kept. Nothing is remembered: an answer from a
 * cache has the latency of the cache.
 */
function configOf(config: Config, { keep = false }: EvaluateOptions): Config {
  const inMemory = config.database.url === undefined && !keep
  return {
    ...config,
    database: inMemory ? { ...config.database, dataDir: undefined } : config.database,
    redisUrl: undefined,
    cache: { ...config.cache, answerSeconds: 0, embeddingBytes: 1 },
    log: { ...config.log, level: 'silent' },
  }
}

interface Circumstances {
  readonly deps: Deps
  readonly config: Config
  readonly options: EvaluateOptions
  readonly signal: AbortSignal
}

async function evaluateSet(set: EvalSet, { deps, config, options, signal }: Circumstances): Promise<Measured[]> {
  const { store, search, models } = deps
  const progress = createProgress(set.documents.reduce((sum, document) => sum + document.text.length, 0))
  const loading = { store, embedder: models.embedder, signal, onBytes: progress.bytes, onProgress: progress.report }
  return await withCollection(set, options.keep ?? false, loading, async collection => {
    progress.end()
    return await measureSet(set, {
      asking: { search, collection, language: options.language, timeoutMs: config.ask.timeoutMs, signal },
      onAsked: createCounter('questions'),
      onRanked: async (name, arm, asked) => {
        if (options.run !== undefined) await writeRun(options.run, `${name.replace('/', '.')}.${arm}`, asked)
      },
    })
  })
}
