import { updateStatistics } from './optimize-tables.ts'
import { createPassageStore } from '../adapters/postgres/store/passages.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { openDeps, type Deps } from '../deps.ts'
import { calibrate } from '../wiring/calibrate.ts'
import { askedCollection } from '../wiring/pipeline.ts'
import type { AskingContext } from '../eval/ask-all.ts'
import { loadableOf, withCollection } from '../eval/collection.ts'
import { gather, type JudgedCandidates } from '../eval/evidence.ts'
import { measureSet, type Measured } from '../eval/measure.ts'
import { writeRun } from '../eval/run-file.ts'
import type { EvalSet } from '../eval/set.ts'
import { createLogger } from '../log.ts'
import type { Host } from './host.ts'
import { createCounter, createProgress } from './progress.ts'
import type { Config } from '../config/terms.ts'

export interface EvaluateOptions {
  readonly language: 'given' | 'detect'
  /** Folder for TREC runs. */
  readonly run?: string
  readonly keep?: boolean
  /** Also gather evidence to learn weights from. */
  readonly learn?: boolean
}

export interface Evaluated {
  readonly model: Pick<Embedder, 'model'>
  readonly variants: readonly Measured[]
  /** From the plain questions only, because the other variants repeat them with errors. */
  readonly evidence: readonly JudgedCandidates[]
}

export interface Evaluation {
  readonly host: Host
  readonly config: Config
  readonly options: EvaluateOptions
  readonly signal: AbortSignal
}

/** Opens the service without its HTTP edge and evaluates the sets one by one, each in its own collection. */
export async function evaluate(sets: readonly EvalSet[], evaluation: Evaluation): Promise<Evaluated> {
  const config = configOf(evaluation)
  const deps = await openDeps(config, createLogger(config))
  try {
    const { model } = deps.models.embedder
    const all = { model: { model }, variants: [] as Measured[], evidence: [] as JudgedCandidates[] }
    for (const set of sets) {
      const { variants, evidence } = await evaluateSet(set, deps, { ...evaluation, config })
      all.variants.push(...variants)
      all.evidence.push(...evidence)
    }
    return all
  } finally {
    await deps.close()
  }
}

/**
 * Uses an in-memory database unless DATABASE_URL is set or the collection is kept.
 * Caches are off, because a cached answer would have the latency of the cache.
 */
function configOf({ config, options: { keep = false } }: Evaluation): Config {
  const inMemory = config.database.url === undefined && !keep
  return {
    ...config,
    database: inMemory ? { ...config.database, dataDir: undefined } : config.database,
    redis: undefined,
    cache: { ...config.cache, embeddingBytes: 0 },
    log: { ...config.log, level: 'silent' },
  }
}

async function evaluateSet(
  set: EvalSet,
  deps: Deps,
  { host, config, options, signal }: Evaluation,
): Promise<Omit<Evaluated, 'model'>> {
  const { store, search, models } = deps
  const progress = createProgress(
    host,
    set.documents.reduce((sum, document) => sum + document.text.length, 0),
  )
  const settle = async (until: AbortSignal) => await updateStatistics(host, deps.database, until)
  const loading = { store, embedder: models.embedder, signal, onProgress: progress.report, settle }
  const loadable = loadableOf(set, models.embedder, progress.bytes)
  return await withCollection(loadable, options.keep ?? false, loading, async collection => {
    progress.end()
    if (config.calibration) await calibrate(collection, { ...deps, embedder: models.embedder }, { signal })
    const context = { collection, language: options.language, timeoutMs: config.ask.timeoutMs, signal }
    const variants = await measureSet(set, {
      asking: { ...context, search },
      onAsked: createCounter(host, 'questions'),
      onRanked: async (name, retriever, asked) => {
        if (options.run !== undefined) await writeRun(options.run, `${name.replace('/', '.')}.${retriever}`, asked)
      },
    })
    return { variants, evidence: options.learn ? await evidenceOf(set, deps, context, host) : [] }
  })
}

async function evidenceOf(
  set: EvalSet,
  { database, store, models }: Deps,
  context: AskingContext,
  host: Host,
): Promise<JudgedCandidates[]> {
  const [plain] = set.variants
  const asked = await askedCollection(store, models, context.collection, context.signal)
  if (!plain || !asked) return []
  const count = createCounter(host, 'questions to learn from')
  const onGathered = (done: number, total: number) => count(set.name, done, total)
  return await gather(plain.questions, {
    ...context,
    store: createPassageStore(database),
    embedder: models.embedder,
    asked,
    onGathered,
  })
}
