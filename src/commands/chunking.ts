import { type Command, Option } from 'commander'
import { migrate } from '../adapters/postgres/migrate.ts'
import { createDocumentStore } from '../adapters/postgres/store/documents.ts'
import { unknownCollection } from '../ask/unknown-collection.ts'
import { readConfig } from '../config/config.ts'
import {
  changedChunking,
  chunkKinds,
  chunkSettings,
  defaultChunking,
  longestChunkTokens,
  mostOverlap,
  shortestChunkTokens,
} from '../ingest/chunk-settings.ts'
import { preparationMarks } from '../ingest/prepare.ts'
import type { ChunkKind, ChunkSettings, Collection } from '../ingest/terms.ts'
import { collectionName, wholeNumber } from './arguments.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase } from './opened.ts'
import { print } from './output.ts'

interface Options {
  readonly collection: string
  readonly size?: number
  readonly overlap?: number
  readonly by?: ChunkKind
  readonly default?: true
}

interface Found {
  readonly collection: string
  readonly isChanged: boolean
  readonly settings: ChunkSettings
  /** Documents to prepare again. */
  readonly outdated: number
}

export function addChunking(program: Command, host: Host): void {
  const { size, overlap, by } = defaultChunking
  program
    .command('chunking')
    .description("set how a collection's documents are divided into chunks; without options, show the settings")
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .option(
      '--size <tokens>',
      `maximum length of a chunk, ${shortestChunkTokens} to ${longestChunkTokens} (usually ${size})`,
      wholeNumber(shortestChunkTokens, longestChunkTokens),
    )
    .option(
      '--overlap <tokens>',
      `how much a chunk may repeat of the one before, at most half the size (usually ${overlap}; 0 by row)`,
      wholeNumber(0, mostOverlap(longestChunkTokens)),
    )
    .addOption(
      new Option(
        '--by <what>',
        `divide under headings, into rows, list items and paragraphs, or without regard to headings (usually ${by})`,
      ).choices(chunkKinds),
    )
    .option('--default', 'go back to the usual settings, before the other options apply')
    .action(async (options: Options, command: Command) => {
      const found = await writeSettings(host, options)
      const { collection, settings, outdated } = found
      print(host, command, { collection, ...settings, outdated_count: outdated }, settingsText(found))
    })
}

async function writeSettings(host: Host, options: Options): Promise<Found> {
  const { collection: name, default: isReset = false, ...change } = options
  const isChanged = isReset || Object.keys(change).length > 0
  const { signal, release } = interruptible(host, 'stopping')
  try {
    return await withDatabase(readConfig(host.env).database, async database => {
      await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
      const store = createDocumentStore(database)
      const changed = (stored: Collection['chunking']) => changedChunking(stored, { isReset, change })
      if (isChanged && !(await store.writeChunking(name, changed, signal))) throw unknownCollection(name)
      const found = await store.collection(name, signal)
      if (!found) throw unknownCollection(name)
      const outdated = (await store.preparedness(preparationMarks, 'any', signal)).get(name)?.outdated ?? 0
      return { collection: name, isChanged, settings: chunkSettings(found.chunking), outdated }
    })
  } finally {
    release()
  }
}

function settingsText({ collection, isChanged, settings: { size, overlap, by }, outdated }: Found): string {
  const state = `${collection}: at most ${size} tokens, overlap ${overlap}, by ${by}`
  if (outdated === 0) return state
  const waiting = outdated === 1 ? '1 document is outdated' : `${outdated} documents are outdated`
  return `${state}\n${collection}: ${waiting}${isChanged ? ' now' : ''}; to divide as set, run: askwell reindex --collection ${collection}`
}
