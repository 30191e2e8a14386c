import type { Command } from 'commander'
import type { Models } from '../adapters/models/models.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { rowFault } from '../adapters/postgres/errors.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { createDocumentStore, type DocumentStore } from '../adapters/postgres/store/documents.ts'
import { createReindexStore } from '../adapters/postgres/store/reindexing.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { unknownCollection } from '../ask/unknown-collection.ts'
import { readConfig } from '../config/config.ts'
import type { Config } from '../config/terms.ts'
import { isAskError } from '../errors.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { namedModel } from '../ingest/named-model.ts'
import { preparationMarks } from '../ingest/prepare.ts'
import { reindex, type ReindexDeps, type ReindexReport } from '../ingest/reindex.ts'
import type { Collection } from '../ingest/terms.ts'
import { collectionName } from './arguments.ts'
import { vectorsAfter } from './missing-vectors.ts'
import { calibrateAfter } from './calibrate-after.ts'
import { agreesToCost, embeddingPrice, unitsLeftOut } from './embedding-cost.ts'
import { createEmbeddingRate } from './embedding-rate.ts'
import { exitCodes } from './exit-codes.ts'
import { createFaultLines } from './fault-lines.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels, withPreparing } from './opened.ts'
import { checkModelBefore } from './model-check.ts'
import { optimizeTables } from './optimize-tables.ts'
import { print, say } from './output.ts'

interface Options {
  readonly collection?: string
  readonly all?: boolean
  readonly yes?: boolean
}

type Result = { readonly collection: string } & (ReindexReport | { readonly error: string })

export function addReindex(program: Command, host: Host): void {
  program
    .command('reindex')
    .description('prepare stored documents again with this version: those that an older version prepared')
    .option('-c, --collection <name>', 'only this collection (default: all)', collectionName)
    .option('-a, --all', 'also documents that are up to date')
    .option('-y, --yes', 'do not ask before embedding that costs something (MODEL_PRICES with embedding)')
    .action(async (options: Options, command: Command) => {
      const interrupt = interruptible(host, 'stopping after this batch; run the same command again to finish')
      const results = await reindexAll(host, options, interrupt.signal).finally(interrupt.release)
      if (results === null) {
        say(host, 'nothing was reindexed')
        host.exitCode = exitCodes.failed
        return
      }
      print(
        host,
        command,
        { collections: results.map(jsonResult) },
        results.map(summary).join('\n') || 'no collections',
      )
      host.exitCode = exitCodeOf(results)
    })
}

/** Null if the embedding was not wanted at its cost. */
async function reindexAll(host: Host, options: Options, signal: AbortSignal): Promise<Result[] | null> {
  const config = readConfig(host.env)
  return await withDatabase(config.database, async database => {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    return await withModels(
      config.models,
      async models =>
        await withPreparing(config.prepare, async preparing => {
          const { embedder } = models
          const store = createDocumentStore(database)
          const collections = await chosen(store, options.collection)
          const place = preparing.enter(0)
          const deps: ReindexDeps = {
            store: createReindexStore(database, store, { marks: options.all ? null : preparationMarks, signal }),
            prepare: async (document, collection, aborted) =>
              await preparing.restored(embedder, document, { place, signal: aborted, collection }),
            embed: embedEach(embedder, createEmbeddingRate(host).loading),
            rowFault,
            model: namedModel(embedder),
            unitsUpTo: embedder.unitsUpTo,
          }
          const price = embeddingPrice(config.models, models)
          if (price) {
            const tokens = await tokensPending(collections, deps, models)
            if (!(await agreesToCost(host, { tokens, price, isAgreed: options.yes === true, signal }))) return null
          }
          const each = {
            host,
            config,
            database,
            embedder,
            models,
            deps,
            signal,
            isOnly: options.collection !== undefined,
          }
          const results: Result[] = []
          for (const collection of collections) results.push(await reindexOne(collection, each))
          return results
        }),
    )
  })
}

async function chosen(store: DocumentStore, name: string | undefined): Promise<readonly Collection[]> {
  if (name === undefined) return await store.collections()
  const collection = await store.collection(name)
  if (!collection) throw unknownCollection(name)
  return [collection]
}

/** Sentences are longer on average. */
const tokensPerUnit = 12

/** An estimate: the texts are read again only after it is agreed to. Their titles are embedded with them, and with each unit. */
async function tokensPending(
  collections: readonly Collection[],
  { store }: ReindexDeps,
  { sentTokens, embedder }: Models,
): Promise<number> {
  const perTitle = sentTokens('A title of a document › and a heading', 'passage')
  const { unitsUpTo = 0 } = embedder
  let tokens = 0
  for (const { id, chunkCount } of collections) {
    const pending = await store.pending(id)
    if (chunkCount <= unitsUpTo) tokens += pending.tokens + Math.ceil(pending.tokens / tokensPerUnit) * perTitle
    tokens += Math.ceil(pending.tokens * 1.25) + pending.documents * perTitle
  }
  return tokens
}

interface EachParts {
  readonly host: Host
  readonly config: Config
  readonly database: Database
  readonly embedder: Embedder
  readonly models: Models
  readonly deps: ReindexDeps
  readonly signal: AbortSignal
  /** Whether it was named; otherwise a collection of another model does not end the run. */
  readonly isOnly: boolean
}

async function reindexOne(
  { id, name }: Collection,
  { host, config, database, embedder, models, deps, signal, isOnly }: EachParts,
): Promise<Result> {
  const faults = createFaultLines(line => say(host, line))
  try {
    const { documents } = await deps.store.pending(id)
    const collection = await createDocumentStore(database).collection(name)
    await checkModelBefore(collection, { host, database, models, signal })
    const report = await reindex(name, deps, {
      signal,
      onFault: faults.report,
      onProgress: ({ reindexed, overtaken, faults: failed }) => {
        const done = reindexed + overtaken + failed
        say(host, `${name}: ${done} of ${Math.max(documents, done)} documents`)
      },
    })
    if (report.chunks > 0)
      await optimizeTables(host, database, await createDocumentStore(database).collection(name), signal)
    await vectorsAfter(name, { host, database, embedder, signal })
    if (!embedder.areUnitsBehind && report.chunks > 0) await warnOfLimit(name, { host, database, embedder })
    await calibrateAfter(name, { host, config, database, embedder, signal })
    return { collection: name, ...report }
  } catch (error) {
    const isOfCollection = isAskError(error, 'model_mismatch') || isAskError(error, 'unknown_collection')
    if (isOnly || !isOfCollection) throw error
    return { collection: name, error: error.detail }
  } finally {
    faults.end()
  }
}

/** What was loaded at once has no units where the collection is too large. */
async function warnOfLimit(
  name: string,
  { host, database, embedder: { unitsUpTo = 0 } }: Pick<EachParts, 'host' | 'database' | 'embedder'>,
): Promise<void> {
  const chunks = (await createDocumentStore(database).collection(name))?.chunkCount ?? 0
  if (unitsUpTo > 0 && chunks > unitsUpTo) say(host, unitsLeftOut(chunks, unitsUpTo))
}

function exitCodeOf(results: readonly Result[]): number {
  const hasFault = results.some(each => 'error' in each || each.faults > 0)
  if (!hasFault) return exitCodes.ok
  return results.some(each => 'reindexed' in each && each.reindexed > 0) ? exitCodes.partly : exitCodes.failed
}

function jsonResult(result: Result) {
  if ('error' in result) return result
  const { collection, reindexed, fromStoredText, overtaken, faults, chunks } = result
  return { collection, reindexed, from_stored_text: fromStoredText, overtaken, faults, chunks }
}

function summary(result: Result): string {
  const { collection } = result
  if ('error' in result) return `${collection}: not reindexed: ${result.error}`
  const { reindexed, fromStoredText, overtaken, faults, chunks } = result
  if (reindexed + overtaken + faults === 0) return `${collection}: up to date`
  const parts = [
    `${reindexed} reindexed; ${chunks === 1 ? '1 chunk' : `${chunks} chunks`} written`,
    ...(overtaken > 0 ? [`${overtaken} replaced or deleted by others meanwhile`] : []),
    ...(faults > 0 ? [`${faults} could not be prepared`] : []),
  ]
  const again =
    fromStoredText > 0
      ? `\n${collection}: ${fromStoredText} of them from their stored text, because what they were made from was not kept; load them again for what newer readers find`
      : ''
  return `${collection}: ${parts.join('; ')}${again}`
}
