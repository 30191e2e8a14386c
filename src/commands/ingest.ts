import type { Command } from 'commander'
import { createDocumentStore } from '../adapters/documents.ts'
import { openDatabase } from '../adapters/database.ts'
import { openModels } from '../adapters/models.ts'
import { readConfig } from '../config.ts'
import { AskError } from '../errors.ts'
import { load, type LoadReport } from '../ingest/load.ts'
import { preparerWith } from '../ingest/prepare.ts'
import { sourceRoots } from '../ingest/find-files.ts'
import { measurePaths, readPaths } from '../ingest/read.ts'
import type { Json, ReadFault } from '../ingest/terms.ts'
import { migrate } from '../migrate.ts'
import { exitCodes } from './exit-codes.ts'
import { interruptSignal } from './interrupt.ts'
import { print } from './output.ts'
import { createProgress } from './progress.ts'

interface Options {
  readonly collection: string
  readonly language?: string
  readonly metadata: Record<string, Json>
  readonly prune?: boolean
}

export function addIngest(program: Command): void {
  program
    .command('ingest')
    .description('load documents: .md .txt .html .pdf .docx .csv .jsonl, folders and globs of them')
    .argument('<path...>', 'files, folders or quoted globs')
    .option('-c, --collection <name>', 'collection to load into', 'default')
    .option('-l, --language <xx>', 'language of the documents (default: detected)')
    .option('-m, --metadata <key=value>', 'metadata for every document; may be repeated', collectMetadata, {})
    .option('--prune', 'remove documents that an earlier run loaded from the same paths and that are gone')
    .action(async (paths: string[], options: Options, command: Command) => {
      const report = await ingest(paths, options)
      print(command, report, summary(report, options.collection))
      if (report.faults > 0) process.exitCode = exitCodes.partly
    })
}

async function ingest(paths: string[], options: Options): Promise<LoadReport> {
  checkName(options.collection)
  const pruneRoots = options.prune ? sourceRoots(paths) : null
  const config = readConfig()
  const signal = interruptSignal('stopping after this batch; run the same command again to finish')
  const database = await openDatabase(config.database)
  try {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    const models = await openModels(config.models)
    try {
      const embedder = models.embedder
      const total = await measurePaths(paths)
      const progress = createProgress(total.bytes)
      const given = { language: options.language, metadata: options.metadata, onBytes: progress.bytes }
      const report = await load(readPaths(paths, given), {
        store: createDocumentStore(database),
        prepare: preparerWith(embedder),
        model: { name: embedder.model, dimensions: embedder.dimensions },
      }, {
        collection: options.collection,
        pruneRoots,
        signal,
        onProgress: progress.report,
        onFault: fault => progress.line(faultLine(fault)),
      })
      progress.end()
      return report
    } finally {
      await models.close()
    }
  } finally {
    await database.close()
  }
}

export function faultLine({ path, line, reason }: ReadFault): string {
  return `askwell: ${path}${line === undefined ? '' : `:${line}`}: ${reason}`
}

export function summary(report: LoadReport, collection: string): string {
  const { added, replaced, unchanged, removed, chunks, faults } = report
  const parts = [`${added} added`, `${replaced} replaced`, `${unchanged} unchanged`, ...(removed > 0 ? [`${removed} removed`] : [])]
  return `${collection}: ${parts.join(', ')}; ${chunks} chunks written${faults > 0 ? `; ${faults} could not be read` : ''}`
}

function checkName(name: string): void {
  if (/^[a-z0-9][a-z0-9_-]{0,62}$/.test(name)) return
  throw new AskError('invalid_request', { detail: `--collection is ${JSON.stringify(name)}; it must be small letters, digits, - and _, at most 63` })
}

function collectMetadata(text: string, before: Record<string, Json>): Record<string, Json> {
  const at = text.indexOf('=')
  if (at <= 0) throw new AskError('invalid_request', { detail: `--metadata is ${JSON.stringify(text)}; it must be key=value` })
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}
