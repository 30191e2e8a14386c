import { createPassageStore } from '../adapters/postgres/store/passages.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { openDeps, type Deps } from '../deps.ts'
import { askedCollection } from '../wiring/pipeline.ts'
import type { Circumstances } from '../eval/ask-all.ts'
import { withCollection } from '../eval/collection.ts'
import { gather, type Evidence } from '../eval/evidence.ts'
import { measureSet, type Measured } from '../eval/measure.ts'
import { writeRun } from '../eval/run-file.ts'
import type { EvalSet } from '../eval/set.ts'
import { createLogger } from '../log.ts'
import { createCounter, createProgress } from './progress.ts'
import type { Config } from '../config/terms.ts'

export interface EvaluateOptions {
  readonly language: 'given' | 'detect'
  /** Folder for TREC runs. */
  readonly run?: string
  readonly keep?: boolean
  /** Gather evidence to learn from as well. */
  readonly learn?: boolean
}

export interface Evaluated {
  readonly model: Pick<Embedder, 'model' | 'languages'>
  readonly variants: readonly Measured[]
  /** Of the plain questions: spoiled ones are the same questions again. */
  readonly evidence: readonly Evidence[]
}

/** Opens the service without its edge, and measures one set after the other in a collection of its own. */
export async function evaluate(
  sets: readonly EvalSet[],
  given: Config,
  options: EvaluateOptions,
  signal: AbortSignal,
): Promise<Evaluated> {
  const config = configOf(given, options)
  const deps = await openDeps(config, createLogger(config))
  try {
    const { model, languages } = deps.models.embedder
    const all = { model: { model, languages }, variants: [] as Measured[], evidence: [] as Evidence[] }
    for (const set of sets) {
      const { variants, evidence } = await evaluateSet(set, { deps, config, options, signal })
      all.variants.push(...variants)
      all.evidence.push(...evidence)
    }
    return all
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
    redis: undefined,
    cache: { ...config.cache, embeddingBytes: 0 },
    log: { ...config.log, level: 'silent' },
  }
}

interface Opened {
  readonly deps: Deps
  readonly config: Config
  readonly options: EvaluateOptions
  readonly signal: AbortSignal
}

async function evaluateSet(set: EvalSet, { deps, config, options, signal }: Opened): Promise<Omit<Evaluated, 'model'>> {
  const { store, search, models } = deps
  const progress = createProgress(set.documents.reduce((sum, document) => sum + document.text.length, 0))
  const loading = { store, embedder: models.embedder, signal, onBytes: progress.bytes, onProgress: progress.report }
  return await withCollection(set, options.keep ?? false, loading, async collection => {
    progress.end()
    const circumstances = { collection, language: options.language, timeoutMs: config.ask.timeoutMs, signal }
    const variants = await measureSet(set, {
      asking: { ...circumstances, search },
      onAsked: createCounter('questions'),
      onRanked: async (name, arm, asked) => {
        if (options.run !== undefined) await writeRun(options.run, `${name.replace('/', '.')}.${arm}`, asked)
      },
    })
    return { variants, evidence: options.learn ? await evidenceOf(set, deps, circumstances) : [] }
  })
}

async function evidenceOf(
  set: EvalSet,
  { database, store, models }: Deps,
  circumstances: Circumstances,
): Promise<Evidence[]> {
  const [plain] = set.variants
  const asked = await askedCollection(store, models, circumstances.collection, circumstances.signal)
  if (!plain || !asked) return []
  const count = createCounter('questions to learn from')
  const onGathered = (done: number, total: number) => count(set.name, done, total)
  return await gather(plain.questions, {
    ...circumstances,
    store: createPassageStore(database),
    embedder: models.embedder,
    asked,
    onGathered,
  })
}
