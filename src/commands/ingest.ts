import type { Command } from 'commander'
import { createDocumentStore } from '../adapters/postgres/store/documents.ts'
import { rowFault } from '../adapters/postgres/errors.ts'
import { readConfig } from '../config/config.ts'
import { load, sortFor, type LoadReport } from '../ingest/load.ts'
import { embedEach } from '../ingest/embed-each.ts'
import { bytesOf, findFiles, sourceRoots } from '../ingest/find-files.ts'
import { namedModel } from '../ingest/named-model.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { vectorsAfter } from './missing-vectors.ts'
import { collectionName, columnNames, languageCode, metadataPair, type MetadataPairs } from './arguments.ts'
import { calibrateAfter } from './calibrate-after.ts'
import { agreesToCost, embeddingPrice, tokensToEmbed } from './embedding-cost.ts'
import { exitCodes } from './exit-codes.ts'
import { createFaultLines } from './fault-lines.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels, withPreparing } from './opened.ts'
import { optimizeTables } from './optimize-tables.ts'
import { print, say } from './output.ts'
import { checkModelBefore } from './model-check.ts'
import { createProgress } from './progress.ts'
import type { WantedColumns } from '../ingest/readers/rows/row-columns.ts'
import type { FileColumns } from '../ingest/terms.ts'
import { skippedLine, type SkipCounts, type SkipReason } from '../ingest/unknown-files.ts'
import { printable } from '../text/printable.ts'

interface Options {
  readonly collection: string
  readonly language?: string
  readonly metadata?: MetadataPairs
  readonly prune?: boolean
  readonly yes?: boolean
  readonly columns?: WantedColumns
  readonly strict?: boolean
}

interface Ingested {
  readonly report: LoadReport
  readonly skipped: SkipCounts
  readonly columns: readonly FileColumns[]
}

export function addIngest(program: Command, host: Host): void {
  program
    .command('ingest')
    .description('load documents (.md .txt .html .pdf .docx .csv .json and more) from files, folders and globs')
    .argument('<path...>', 'files, folders or quoted globs')
    .option('-c, --collection <name>', 'collection to load into', collectionName, 'default')
    .option('-l, --language <xx>', 'language of documents that do not state one (default: detected)', languageCode)
    .option('-m, --metadata <key=value>', 'metadata for every document; may be repeated', metadataPair)
    .option(
      '--columns <names>',
      'columns of tables to ask about, separated by commas, or none (default: those of words and amounts)',
      columnNames,
    )
    .option('--strict', 'exit with 3 if any file of a folder was skipped, such as pictures')
    .option('--prune', 'remove documents that an earlier run loaded from these paths and that no longer exist')
    .option('-y, --yes', 'do not ask before embedding that costs something (MODEL_PRICES with embedding)')
    .action(async (paths: string[], options: Options, command: Command) => {
      const interrupt = interruptible(host, 'stopping after this batch; run the same command again to finish')
      const ingested = await ingest(host, paths, options, interrupt.signal).finally(interrupt.release)
      if (ingested === null) {
        say(host, 'nothing was loaded')
        host.exitCode = exitCodes.failed
        return
      }
      const { report, skipped } = ingested
      print(host, command, jsonReport(ingested, options.collection), summary(ingested, options.collection))
      if (report.faults > 0 || (options.strict && isAnySkipped(skipped)))
        host.exitCode = report.documents > 0 ? exitCodes.partly : exitCodes.failed
    })
}

/** Null if the embedding was not wanted at its cost. */
async function ingest(host: Host, paths: string[], options: Options, signal: AbortSignal): Promise<Ingested | null> {
  const pruneRoots = options.prune ? sourceRoots(paths) : null
  const config = readConfig(host.env)
  return await withDatabase(config.database, async database => {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    return await withModels(
      config.models,
      async models =>
        await withPreparing(config.prepare, async preparing => {
          const { embedder } = models
          const skipped: Partial<Record<SkipReason, number>> = {}
          const found = await findFiles(paths, {
            onSkipped: reason => void (skipped[reason] = (skipped[reason] ?? 0) + 1),
          })
          const columns: FileColumns[] = []
          const asked = new Set<string>()
          const store = createDocumentStore(database)
          const { language, metadata = {} } = options
          const given = { language, metadata, columns: options.columns, signal }
          const price = embeddingPrice(config.models, models)
          if (price) {
            say(host, 'counting the tokens to embed …')
            // Every file is prepared twice, which takes seconds where embedding takes minutes.
            const collection = await store.collection(options.collection)
            const sort = sortFor(store, collection)
            const tokens = await tokensToEmbed(preparing.files(embedder, found, { ...given, sort, collection }), models)
            signal.throwIfAborted()
            if (!(await agreesToCost(host, { tokens, price, isAgreed: options.yes === true, signal }))) return null
          }
          const progress = createProgress(host, bytesOf(found))
          const faults = createFaultLines(progress.line)
          const readOptions = { ...given, onBytes: progress.bytes }
          await checkModelBefore(await store.collection(options.collection), { host, database, models, signal })
          const report = await load(
            (sort, collection) => preparing.files(embedder, found, { ...readOptions, sort, collection }),
            {
              store,
              embed: embedEach(embedder, progress.loading),
              rowFault,
              model: namedModel(embedder),
              unitsUpTo: embedder.unitsUpTo,
            },
            {
              collection: options.collection,
              wordsAfterMs: config.prepare.wordsFirstMs,
              pruneRoots,
              signal,
              onProgress: progress.report,
              onFault: faults.report,
              onColumns: file => {
                if (columns.length < mostColumnFiles) columns.push(file)
                for (const name of file.asked) asked.add(name.toLowerCase())
                progress.line(columnsLine(file))
              },
            },
          ).finally(() => {
            faults.end()
            progress.end()
          })
          for (const name of notFound(options.columns, asked))
            say(host, printable(`askwell: --columns: no table has a column "${name}" to ask about`))
          const { leftOut, isComplete } = await vectorsAfter(options.collection, { host, database, embedder, signal })
          if (report.chunksWithoutVectors > 0 && !isComplete) host.exitCode = exitCodes.partly
          // After the vectors, because it builds their index.
          if (report.chunks > 0)
            await optimizeTables(host, database, await store.collection(options.collection), signal)
          await calibrateAfter(options.collection, { host, config, database, embedder, signal })
          const chunksWithoutUnits = report.chunksWithoutUnits + Math.min(leftOut, report.chunks)
          return { report: { ...report, chunksWithoutUnits }, skipped, columns }
        }),
    )
  })
}

/** Files whose columns the JSON report lists; there may be thousands. */
const mostColumnFiles = 1000

function columnsLine({ path, asked, filtered }: FileColumns): string {
  const parts = [
    ...(asked.length > 0 ? [`asked about: ${asked.join(', ')}`] : []),
    ...(filtered.length > 0 ? [`only filtered: ${filtered.join(', ')}`] : []),
  ]
  return printable(`${path}: ${parts.join('; ')}`)
}

/** Wanted columns that no file has: misspelt, or the title or text of a row. */
function notFound(wanted: WantedColumns | undefined, asked: ReadonlySet<string>): readonly string[] {
  return typeof wanted === 'object' ? wanted.filter(name => !asked.has(name.toLowerCase())) : []
}

/** What `.askwellignore` names was skipped on purpose. */
function isAnySkipped(skipped: SkipCounts): boolean {
  return Object.entries(skipped).some(([reason, count]) => reason !== 'ignored' && count > 0)
}

function summary({ report, skipped }: Pick<Ingested, 'report' | 'skipped'>, collection: string): string {
  const { added, replaced, unchanged, removed, chunks, chunksWithoutUnits, faults } = report
  const parts = [
    `${added} added`,
    `${replaced} replaced`,
    `${unchanged} unchanged`,
    ...(removed > 0 ? [`${removed} removed`] : []),
  ]
  const notRead = skippedLine(skipped)
  return [
    `${collection}: ${parts.join(', ')}`,
    `${chunks === 1 ? '1 chunk' : `${chunks} chunks`} written`,
    ...(chunksWithoutUnits > 0
      ? [`${chunksWithoutUnits} without units (raise EMBEDDING_UNITS_MAX_CHUNKS, then run askwell reembed)`]
      : []),
    ...(faults > 0 ? [`${faults} ${faults === 1 ? 'problem' : 'problems'}`] : []),
    ...(notRead === '' ? [] : [`skipped ${notRead}`]),
  ].join('; ')
}

/** The report that `--json` prints. */
function jsonReport({ report, skipped, columns: files }: Ingested, collection: string) {
  const { documents, added, replaced, unchanged, removed, chunks, chunksWithoutUnits, faults } = report
  const ofChunks = { chunks, chunks_without_units: chunksWithoutUnits }
  return { collection, documents, added, replaced, unchanged, removed, ...ofChunks, faults, skipped, columns: files }
}
