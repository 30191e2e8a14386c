import { type Command, Option } from 'commander'
import { cacheContents } from '../adapters/postgres/store/cache-contents.ts'
import { cachedKeys, countKeys, removeKeys } from '../adapters/redis/cache-keys.ts'
import {
  createCollectionStore,
  type CachingChange,
  type CollectionStore,
} from '../adapters/postgres/store/collections.ts'
import { databaseName } from '../adapters/postgres/database-name.ts'
import type { Database } from '../adapters/postgres/database.ts'
import type { CollectionCaching } from '../ask/terms/collection.ts'
import { unknownCollection } from '../ask/unknown-collection.ts'
import { readConfig } from '../config/config.ts'
import { migrate } from '../adapters/postgres/migrate.ts'
import { collectionName, wholeNumber } from './arguments.ts'
import { redisMs, withRedis } from './cache-redis.ts'
import { clearedText, settingsText, statsText, type Cleared, type FoundSettings, type Stats } from './cache-words.ts'
import type { Host } from './host.ts'
import { interruptible } from './interrupt.ts'
import { withDatabase } from './opened.ts'
import { print } from './output.ts'

export function addCache(program: Command, host: Host): void {
  const cache = program
    .command('cache')
    .description("clear or inspect the caches, or set how long a collection's answers are cached")
  cache
    .command('clear')
    .description('delete cached answers on every replica')
    .option(
      '-c, --collection <name>',
      'delete only the answers of this collection (default: all collections, and completions and vectors in Redis)',
      collectionName,
    )
    .action(async ({ collection = null }: { collection?: string | null }, command: Command) => {
      const cleared = await clear(host, collection)
      print(host, command, cleared, clearedText(cleared))
    })
  cache
    .command('stats')
    .description('show what is cached in the database and in Redis')
    .action(async (_, command: Command) => {
      const stats = await readStats(host)
      print(host, command, stats, statsText(stats))
    })
  addSettings(cache, host)
}

function addSettings(cache: Command, host: Host): void {
  cache
    .command('settings')
    .description(
      "set how long a collection's answers are cached, which deletes the cached ones; without options, show the settings",
    )
    .option('-c, --collection <name>', 'collection', collectionName, 'default')
    .option('--seconds <n>', 'overrides ANSWER_CACHE_SECONDS; 0 disables caching', seconds)
    .option('--fast-seconds <n>', 'overrides FAST_ANSWER_CACHE_SECONDS; 0 disables caching', seconds)
    .addOption(new Option('--near <on|off>', 'overrides SEMANTIC_CACHE for this collection').choices(['on', 'off']))
    .option('--reset', 'remove all overrides, before the other options apply')
    .action(async (options: SettingsOptions, command: Command) => {
      const found = await writeSettings(host, options)
      print(host, command, found, settingsText(found))
    })
}

const seconds = wholeNumber(0, 86_400)

/** Clears the database first and waits until every replica knows; only then are the unused keys removed from Redis. */
async function clear(host: Host, collection: string | null): Promise<Cleared> {
  const { ids, name } = await withMigrated(host, async (database, signal) => ({
    ids: await createCollectionStore(database).forgetAnswers(collection, signal),
    name: await databaseName(database, signal),
  }))
  if (collection !== null && ids.length === 0) throw unknownCollection(collection)
  const keys = cachedKeys(collection === null ? null : (ids[0] ?? 0))
  const { state, value } = await withRedis(readConfig(host.env), name, redis => removeKeys(redis, keys, redisMs))
  return { collection, redisKeys: value, redis: state }
}

async function readStats(host: Host): Promise<Stats> {
  const { contents, name } = await withMigrated(host, async (database, signal) => ({
    contents: await cacheContents(database, signal),
    name: await databaseName(database, signal),
  }))
  const { state, value } = await withRedis(readConfig(host.env), name, redis => countKeys(redis, redisMs))
  return { ...contents, redis: state, redisKeys: value }
}

interface SettingsOptions {
  readonly collection: string
  readonly seconds?: number
  readonly fastSeconds?: number
  readonly near?: 'on' | 'off'
  readonly reset?: true
}

async function writeSettings(host: Host, { collection: name, ...options }: SettingsOptions): Promise<FoundSettings> {
  const change = changeOf(options)
  const isChanged = Object.keys(change).length > 0
  return await withStore(host, async (store, signal) => {
    if (isChanged && !(await store.writeCaching(name, change, signal))) throw unknownCollection(name)
    const found = await store.collection(name, signal)
    if (!found) throw unknownCollection(name)
    return { collection: name, isChanged, settings: withNulls(found.caching) }
  })
}

function changeOf({ seconds, fastSeconds, near, reset }: Omit<SettingsOptions, 'collection'>): CachingChange {
  return {
    ...(reset ? { seconds: null, fastSeconds: null, near: null } : {}),
    ...(seconds === undefined ? {} : { seconds }),
    ...(fastSeconds === undefined ? {} : { fastSeconds }),
    ...(near === undefined ? {} : { near: near === 'on' }),
  }
}

function withNulls({
  seconds = null,
  fastSeconds = null,
  near = null,
}: { readonly [Name in keyof CollectionCaching]: CollectionCaching[Name] | null }) {
  return { seconds, fastSeconds, near }
}

async function withMigrated<T>(host: Host, work: (database: Database, signal: AbortSignal) => Promise<T>): Promise<T> {
  const { signal, release } = interruptible(host, 'stopping')
  try {
    return await withDatabase(readConfig(host.env).database, async database => {
      await database.lease({ signal, label: 'migrate' }, sql => migrate(sql))
      return await work(database, signal)
    })
  } finally {
    release()
  }
}

async function withStore<T>(host: Host, work: (store: CollectionStore, signal: AbortSignal) => Promise<T>): Promise<T> {
  return await withMigrated(host, (database, signal) => work(createCollectionStore(database), signal))
}
