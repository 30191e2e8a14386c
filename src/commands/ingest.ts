import type { Command } from 'commander'
import type { Database } from '../adapters/postgres/database.ts'
import { createDocumentStore } from '../adapters/postgres/store/documents.ts'
import { rowFault } from '../adapters/postgres/errors.ts'
import { analyzeTables } from '../adapters/postgres/analyze.ts'
import { ensureVectorIndex } from '../adapters/postgres/store/vector-index.ts'
import { readConfig } from '../config/config.ts'
import { load, sortFor, type LoadReport } from '../ingest/load.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { bytesOf, findFiles, sourceRoots } from '../ingest/find-files.ts'
import { namedModel } from '../ingest/named-model.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { collectionName, languageCode, metadataPair, type MetadataPairs } from './arguments.ts'
import { agreesToCost, embeddingPrice, tokensToEmbed } from './embedding-cost.ts'
import { exitCodes } from './exit-codes.ts'
import { createFaultLines } from './fault-lines.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels, withPreparing } from './opened.ts'
import { print, say } from './output.ts'
import { createProgress } from './progress.ts'
import type { Collection } from '../ingest/terms.ts'

interface Options {
  readonly collection: string
  readonly language?: string
  readonly metadata?: MetadataPairs
  readonly prune?: boolean
  readonly yes?: boolean
}

export function addIngest(program: Command, host: Host): void {
  program
    .command('ingest')
    .description('load documents (.md .txt .html .pdf .docx .csv .json and more) from files, folders and globs')
    .argument('<path...>', 'files, folders or quoted globs')
    .option('-c, --collection <name>', 'collection to load into', collectionName, 'default')
    .option('-l, --language <xx>', 'language of documents that do not state one (default: detected)', languageCode)
    .option('-m, --metadata <key=value>', 'metadata for every document; may be repeated', metadataPair)
    .option('--prune', 'remove documents that an earlier run loaded from these paths and that no longer exist')
    .option('-y, --yes', 'do not ask before embedding that costs something (MODEL_PRICES with embedding)')
    .action(async (paths: string[], options: Options, command: Command) => {
      const interrupt = interruptible(host, 'stopping after this batch; run the same command again to finish')
      const report = await ingest(host, paths, options, interrupt.signal).finally(interrupt.release)
      if (report === null) {
        say(host, 'nothing was loaded')
        host.exitCode = exitCodes.failed
        return
      }
      print(host, command, jsonReport(report, options.collection), summary(report, options.collection))
      if (report.faults > 0) host.exitCode = report.documents > 0 ? exitCodes.partly : exitCodes.failed
    })
}

/** Null if the embedding was not wanted at its cost. */
async function ingest(host: Host, paths: string[], options: Options, signal: AbortSignal): Promise<LoadReport | null> {
  const pruneRoots = options.prune ? sourceRoots(paths) : null
  const config = readConfig(host.env)
  return await withDatabase(config.database, async database => {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    return await withModels(
      config.models,
      async models =>
        await withPreparing(config.prepare, async preparing => {
          const { embedder } = models
          const found = await findFiles(paths)
          const store = createDocumentStore(database)
          const given = { language: options.language, metadata: options.metadata ?? {}, signal }
          const price = embeddingPrice(config.models, models)
          if (price) {
            say(host, 'counting the tokens to embed …')
            // Every file is prepared twice, which takes seconds where embedding takes minutes.
            const sort = sortFor(store, await store.collection(options.collection))
            const tokens = await tokensToEmbed(preparing.files(embedder, found, { ...given, sort }), models)
            signal.throwIfAborted()
            if (!(await agreesToCost(host, { tokens, price, isAgreed: options.yes === true, signal }))) return null
          }
          const progress = createProgress(host, bytesOf(found))
          const faults = createFaultLines(progress.line)
          const readOptions = { ...given, onBytes: progress.bytes }
          const report = await load(
            sort => preparing.files(embedder, found, { ...readOptions, sort }),
            {
              store,
              embed: embedEach(embedder),
              rowFault,
              model: namedModel(embedder),
            },
            {
              collection: options.collection,
              pruneRoots,
              signal,
              onProgress: progress.report,
              onFault: faults.report,
            },
          ).finally(() => {
            faults.end()
            progress.end()
          })
          if (report.chunks > 0)
            await optimizeTables(host, database, await store.collection(options.collection), signal)
          return report
        }),
    )
  })
}

/**
 * Updates the statistics and the index that keep a large collection fast. The documents are already loaded, so an error
 * here is only reported.
 */
async function optimizeTables(
  host: Host,
  database: Database,
  collection: Collection | null,
  signal: AbortSignal,
): Promise<void> {
  if (collection === null || signal.aborted) return
  try {
    await analyzeTables(database, signal)
    const index = await ensureVectorIndex(database, collection, signal, () =>
      say(host, `building the index over ${collection.windowCount} vectors …`),
    )
    if (index?.builtInMs)
      say(
        host,
        `index built in ${Math.round(index.builtInMs / 1000)} s, ${Math.round(index.bytes / 2 ** 20)} MB; tune it with: askwell tune recall --collection ${collection.name}`,
      )
  } catch (error) {
    say(
      host,
      `askwell: documents loaded, but searches may be slow: ${error instanceof Error ? error.message : String(error)}; retry with: askwell tune recall --collection ${collection.name}`,
    )
  }
}

export function summary(report: LoadReport, collection: string): string {
  const { added, replaced, unchanged, removed, chunks, faults } = report
  const parts = [
    `${added} added`,
    `${replaced} replaced`,
    `${unchanged} unchanged`,
    ...(removed > 0 ? [`${removed} removed`] : []),
  ]
  return `${collection}: ${parts.join(', ')}; ${chunks === 1 ? '1 chunk' : `${chunks} chunks`} written${faults > 0 ? `; ${faults} could not be read` : ''}`
}

/** The report that `--json` prints. */
function jsonReport(
  { documents, added, replaced, unchanged, removed, chunks, faults }: LoadReport,
  collection: string,
) {
  return { collection, documents, added, replaced, unchanged, removed, chunks, faults }
}
