import { Option, type Command } from 'commander'
import { readConfig, type Config } from '../config.ts'
import { openDeps, type Deps } from '../deps.ts'
import { withCollection } from '../eval/collection.ts'
import { measureSet, type Measured } from '../eval/measure.ts'
import { writeRun } from '../eval/run-file.ts'
import { readSet, type EvalSet } from '../eval/set.ts'
import { table } from '../eval/table.ts'
import { createLogger } from '../log.ts'
import { interruptible } from './interrupt.ts'
import { print } from './output.ts'
import { createCounter, createProgress } from './progress.ts'

interface Options {
  readonly language: 'given' | 'detect'
  readonly run?: string
  readonly keep?: boolean
}

export function addEval(program: Command): void {
  program
    .command('eval')
    .description('measure retrieval with judged questions: nDCG, recall, MRR, latency, abstention')
    .argument('<set...>', 'folders with corpus.jsonl, queries.jsonl, queries.<variant>.jsonl and qrels.tsv')
    .addOption(new Option('-l, --language <which>', "the questions' language: given by the set, or detected as for users").choices(['given', 'detect']).default('detect'))
    .option('-r, --run <dir>', 'write TREC runs into this folder')
    .option('-k, --keep', 'keep the collection (eval-<set>) for the next time, in DATABASE_URL or DATA_DIR')
    .action(async (folders: string[], options: Options, command: Command) => {
      const sets = await Promise.all(folders.map(readSet))
      refuseNamesakes(sets)
      const measured = await evaluate(sets, options)
      print(command, measured, table(measured.variants))
    })
}

function refuseNamesakes(sets: readonly EvalSet[]): void {
  const twice = sets.find((set, i) => sets.findIndex(other => other.name === set.name) < i)
  if (twice) throw new Error(`two of the sets are named "${twice.name}": give one of the folders another name`)
}

interface Evaluated {
  readonly model: string
  readonly variants: readonly Measured[]
}

async function evaluate(sets: readonly EvalSet[], options: Options): Promise<Evaluated> {
  const config = configOf(readConfig(), options)
  const { signal } = interruptible('stopping; nothing is left behind')
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
function configOf(config: Config, { keep = false }: Options): Config {
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
  readonly options: Options
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
