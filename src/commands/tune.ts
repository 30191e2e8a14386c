import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { createCollectionStore, modelMismatch, type WithVectors } from '../adapters/postgres/store/collections.ts'
import type { Database } from '../adapters/postgres/database.ts'
import { recallProbe } from '../adapters/postgres/store/recall.ts'
import { ensureVectorIndex, indexedFrom } from '../adapters/postgres/store/vector-index.ts'
import type { Embedder } from '../ask/retrieval/embedder.ts'
import { unknownCollection } from '../ask/unknown-collection.ts'
import { readConfig } from '../config/config.ts'
import { type Tuned, tuneDepth } from '../eval/recall.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { sentences } from '../text/sentences.ts'
import { collectionName } from './arguments.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase, withModels } from './opened.ts'
import { addTuneAbstention } from './tune-abstention.ts'
import { print, say } from './output.ts'
import { addTuneCalibration } from './tune-calibration.ts'

interface Options {
  readonly collection: string
  readonly target: number
  readonly sample: number
  readonly questions?: string
}

export function addTune(program: Command, host: Host): void {
  const tuning = program.command('tune').description('tune the search and the answers to the documents')
  addTuneCalibration(tuning, host)
  addTuneAbstention(tuning, host)
  tuning
    .command('recall')
    .description(
      'find and store the smallest hnsw.ef_search that still finds the nearest passages; builds the index if it is missing',
    )
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .option('-t, --target <share>', 'target recall@10, relative to an exact scan', share, 0.95)
    .option('-n, --sample <count>', 'number of questions to measure with', count, 200)
    .option(
      '-q, --questions <file>',
      'file of questions to measure with, one per line (default: sentences of random passages)',
    )
    .action(async (options: Options, command: Command) => {
      const interrupt = interruptible(host, 'stopping; nothing was stored')
      const result = await tune(host, options, interrupt.signal).finally(interrupt.release)
      print(host, command, result, described(result))
    })
}

interface Result extends Partial<Tuned> {
  readonly collection: string
  readonly target: number
  readonly vectors: number
  readonly questions?: number
  /** Set when there is no index to measure: why the search is exact. */
  readonly exact?: string
}

async function tune(host: Host, options: Options, signal: AbortSignal): Promise<Result> {
  const config = readConfig(host.env)
  return await withDatabase(config.database, async database => {
    await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
    const collection = await createCollectionStore(database).collection(options.collection, signal)
    if (!collection) throw unknownCollection(options.collection)
    const summary = { collection: options.collection, target: options.target, vectors: collection.windowCount }
    const index = await ensureVectorIndex(database, collection, signal, () =>
      say(host, `building the index over ${collection.windowCount} vectors …`),
    )
    if (index === null) return { ...summary, exact: whyExact(database) }
    return await withModels(config.models, async ({ embedder }) => {
      const { model } = collection
      if (model === null || model.name !== embedder.model) throw modelMismatch(collection, embedder.model)
      return {
        ...summary,
        ...(await measure({ host, database, collection: { ...collection, model }, embedder, signal }, options)),
      }
    })
  })
}

interface Measuring {
  readonly host: Host
  readonly database: Database
  readonly collection: WithVectors
  readonly embedder: Embedder
  readonly signal: AbortSignal
}

async function measure(
  { host, database, collection, embedder, signal }: Measuring,
  { target, sample, questions }: Options,
) {
  const probe = recallProbe(database, collection, signal)
  const texts =
    questions === undefined ? (await probe.sample(sample)).map(sentenceOf) : linesOf(questions).slice(0, sample)
  say(host, `embedding ${texts.length} questions …`)
  const usable = texts.filter(text => embedder.countTokens(text) <= embedder.maxTokens)
  const tuned = await tuneDepth(await embedder.embed(usable, signal, 'query'), probe.nearest, {
    target,
    shallowest: probe.shallowest,
    onStep: step => say(host, `${step} …`),
  })
  if (tuned.efSearch !== null) await probe.store(tuned.efSearch)
  return { questions: usable.length, ...tuned }
}

/** A sentence from the middle of a passage, as a stand-in for a question about it. */
function sentenceOf({ text, language }: { readonly text: string; readonly language: string }): string {
  const spans = sentences(text, language)
  const span = spans[Math.floor(spans.length / 2)]
  return span === undefined ? text : text.slice(span.start, span.end)
}

function linesOf(file: string): string[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
  if (lines.length === 0) throw new Error(`${file} has no questions; write one per line`)
  return lines
}

function whyExact({ kind }: Database): string {
  return kind === 'embedded'
    ? 'the embedded database always scans every vector'
    : `a collection this small (below ${indexedFrom} vectors of 512 dimensions) is scanned in full`
}

function described({ collection, exact, target, figures = [], efSearch, exactP50Ms = 0, questions }: Result): string {
  if (exact !== undefined) return `${collection}: ${exact}; nothing to tune`
  const rows = figures.map(
    each =>
      `  ef_search ${String(each.efSearch).padStart(4)}   recall@10 ${each.recall10.toFixed(3)}   ${each.p50Ms.toFixed(1)} ms`,
  )
  const end =
    efSearch == null
      ? `no ef_search reaches recall@10 ${target}; the stored value is unchanged`
      : `stored ef_search ${efSearch}, the smallest with recall@10 ≥ ${target}`
  return [`${collection}: ${questions} questions; an exact scan takes ${exactP50Ms.toFixed(1)} ms`, ...rows, end].join(
    '\n',
  )
}

function share(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 1) return value
  throw new InvalidArgumentError('Use a number above 0 and at most 1.')
}

function count(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value
  throw new InvalidArgumentError('Use a whole number from 1 to 10000.')
}
