import type { Command } from 'commander'
import type { Database } from '../adapters/postgres/database.ts'
import { createDocumentStore } from '../adapters/postgres/store/documents.ts'
import { rowFault } from '../adapters/postgres/errors.ts'
import { analyzeTables } from '../adapters/postgres/analyze.ts'
import { ensureVectorIndex } from '../adapters/postgres/store/vector-index.ts'
import { readConfig } from '../config/config.ts'
import { load, type LoadReport } from '../ingest/load.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { bytesOf, findFiles, sourceRoots } from '../ingest/find-files.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { collectionName, languageCode, metadataPair, type MetadataPairs } from './arguments.ts'
import { exitCodes } from './exit-codes.ts'
import { createFaultLines } from './fault-lines.ts'
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
}

export function addIngest(program: Command): void {
  program
    .command('ingest')
    .description('load documents: .md .txt .html .pdf .docx .csv .jsonl, folders and globs of them')
    .argument('<path...>', 'files, folders or quoted globs')
    .option('-c, --collection <name>', 'collection to load into', collectionName, 'default')
    .option('-l, --language <xx>', 'language of documents that do not say theirs (default: detected)', languageCode)
    .option('-m, --metadata <key=value>', 'metadata for every document; may be repeated', metadataPair)
    .option('--prune', 'remove documents that an earlier run loaded from the same paths and that are gone')
    .action(async (paths: string[], options: Options, command: Command) => {
      const report = await ingest(paths, options)
      print(command, counted(report, options.collection), summary(report, options.collection))
      if (report.faults > 0) process.exitCode = report.documents > 0 ? exitCodes.partly : exitCodes.failed
    })
}

async function ingest(paths: string[], options: Options): Promise<LoadReport> {
  const pruneRoots = options.prune ? sourceRoots(paths) : null
  const config = readConfig()
  const { signal } = interruptible('stopping after this batch; run the same command again to finish')
  return await withDatabase(config.database, async database => {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    return await withModels(
      config.models,
      async ({ embedder }) =>
        await withPreparing(config.prepare, async preparing => {
          const found = await findFiles(paths)
          const progress = createProgress(bytesOf(found))
          const faults = createFaultLines(progress.line)
          const given = {
            language: options.language,
            metadata: options.metadata ?? {},
            onBytes: progress.bytes,
            signal,
          }
          const store = createDocumentStore(database)
          const report = await load(
            sort => preparing.files(embedder, found, { ...given, sort }),
            {
              store,
              embed: async (...args) => await embedEach(embedder, ...args),
              rowFault,
              model: { name: embedder.model, dimensions: embedder.dimensions },
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
          if (report.chunks > 0) await settleInto(database, await store.collection(options.collection), signal)
          return report
        }),
    )
  })
}

/** What keeps a large collection fast. Loaded is loaded: what goes wrong here is said, not failed. */
async function settleInto(database: Database, collection: Collection | null, signal: AbortSignal): Promise<void> {
  if (collection === null || signal.aborted) return
  try {
    await analyzeTables(database, signal)
    const index = await ensureVectorIndex(database, collection, signal, () =>
      say(`building the index over ${collection.windowCount} vectors …`),
    )
    if (index?.builtInMs)
      say(
        `built in ${Math.round(index.builtInMs / 1000)} s, ${Math.round(index.bytes / 2 ** 20)} MB; fit it with: askwell tune recall --collection ${collection.name}`,
      )
  } catch (error) {
    say(
      `askwell: loaded, but searches may be slow: ${error instanceof Error ? error.message : String(error)}; askwell tune recall tries again`,
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
  return `${collection}: ${parts.join(', ')}; ${chunks} chunks written${faults > 0 ? `; ${faults} could not be read` : ''}`
}

/** What `--json` prints. */
function counted({ documents, added, replaced, unchanged, removed, chunks, faults }: LoadReport, collection: string) {
  return { collection, documents, added, replaced, unchanged, removed, chunks, faults }
}
