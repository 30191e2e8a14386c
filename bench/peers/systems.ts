import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isWorthIndexing } from '../../src/adapters/postgres/store/vector-index.ts'
import { administer } from '../../test/support/postgres.ts'
import { freePort, type Owner } from '../../test/support/server-process.ts'
import { until } from '../../test/support/until.ts'
import { load, type Document } from '../cache/documents.ts'
import { createKeeper } from '../cache/keeper.ts'
import { startProgram, untilServing, type Program } from '../cache/program.ts'
import { serveAskwell, type Served, type Settings } from '../cache/servers.ts'

/** What is compared, each with a database of its own on the same server, pools of the same size and the same model. */

export const peerNames = ['langchain', 'llamaindex', 'mastra', 'naive'] as const
export type PeerName = (typeof peerNames)[number]
/** `askwell cached` is Askwell as it comes, `askwell` the same with every cache off, `askwell quoting` with no language model either. */
const ownNames = ['askwell', 'askwell quoting', 'askwell cached'] as const
export type OwnName = (typeof ownNames)[number]
export type SystemName = OwnName | PeerName

export interface Surroundings {
  /** Of the server, as superuser. */
  readonly adminUrl: string
  readonly dimensions: number
  readonly poolSize: number
}

/** All of them share all cores with the database, the model and the load. */
const allCores = `0-${cpus().length - 1}`

const cachesOff: Settings = {
  ANSWER_CACHE_SECONDS: '0',
  FAST_ANSWER_CACHE_SECONDS: '0',
  ABSTENTION_CACHE_SECONDS: '0',
  STALE_IF_ERROR_SECONDS: '0',
  SEMANTIC_CACHE: 'off',
}

export interface Contents {
  readonly modelUrl: string
  /** Loaded first, into a new database. */
  readonly documents?: readonly Document[] | undefined
}

/** Serves until its owner ends. */
export async function serveSystem(
  t: Owner,
  name: SystemName,
  around: Surroundings,
  { modelUrl, documents }: Contents,
): Promise<Served> {
  const database = databaseOf(name)
  if (documents !== undefined) await administer(around.adminUrl, sql => sql`create database ${sql(database)}`)
  const url = new URL(around.adminUrl)
  url.pathname = `/${database}`
  const contents = { database: url.href, modelUrl, documents }
  const served = isOwn(name) ? await askwell(t, name, around, contents) : await peer(t, name, around, contents)
  if (documents !== undefined) await administer(url.href, sql => sql`vacuum analyze`)
  return served
}

function isOwn(name: SystemName): name is OwnName {
  return ownNames.some(own => own === name)
}

/** All of Askwell's have the same documents. */
function databaseOf(name: SystemName): string {
  return `peers_${name.split(' ')[0]}`
}

async function askwell(
  t: Owner,
  name: OwnName,
  { dimensions, poolSize }: Surroundings,
  { database, modelUrl, documents }: Contents & { readonly database: string },
): Promise<Served> {
  const settings: Settings = {
    DATABASE_URL: database,
    POOL_SIZE: String(poolSize),
    POOL_MAX_OVERFLOW: '0',
    RATE_LIMIT: '0',
    OPENAI_BASE_URL: modelUrl,
    OPENAI_API_KEY: 'sk-of-no-value',
    CHAT_MODEL: 'gpt-4o-mini',
    EMBEDDING_MODEL: 'text-embedding-3-small',
    EMBEDDING_DIMENSIONS: String(dimensions),
    ...(name === 'askwell cached' ? {} : cachesOff),
    ...(name === 'askwell quoting' ? { CHAT_MODEL: 'none' } : {}),
  }
  const served = await serveAskwell(t, settings, { cores: allCores })
  if (documents !== undefined) {
    await load(served.address, 'default', documents)
    await untilIndexed(database, documents.length, dimensions)
  }
  return served
}

/** Askwell does so by itself when nobody has written for ten seconds, where there are enough of them. */
async function untilIndexed(database: string, vectors: number, dimensions: number): Promise<void> {
  if (!isWorthIndexing(vectors, dimensions)) return
  await administer(
    database,
    async sql =>
      await until('Askwell has built its index', async () => {
        const [row] =
          await sql`select from pg_index i join pg_class c on c.oid = i.indexrelid where c.relname like 'chunk\\_vectors\\_hnsw%' and i.indisvalid`
        return row !== undefined
      }),
  )
}

async function peer(
  t: Owner,
  name: PeerName,
  { dimensions, poolSize }: Surroundings,
  { database, modelUrl, documents }: Contents & { readonly database: string },
): Promise<Served> {
  const program = fileURLToPath(new URL(`${name}.ts`, import.meta.url))
  const port = String(await freePort())
  const loading = documents === undefined ? [] : ['--load', fileOf(t, documents)]
  const args = [
    program,
    '--port',
    port,
    '--database',
    database,
    '--model-url',
    modelUrl,
    '--dimensions',
    String(dimensions),
    '--pool',
    String(poolSize),
    ...loading,
  ]
  const started = startProgram(t, { args, cores: allCores })
  const address = `http://127.0.0.1:${port}`
  await untilReady(name, started)
  return { program: started, address }
}

async function untilReady(name: string, { output, hasEnded }: Program): Promise<void> {
  await until(`${name} is ready`, () => /^ready$/m.test(output()), {
    ended: hasEnded,
    progress: () => output().length,
  }).catch((cause: unknown) => {
    throw new Error(`${name} is not ready, and said:\n${output().slice(-3000)}`, { cause })
  })
}

function fileOf(t: Owner, documents: readonly Document[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-peers-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'documents.jsonl')
  writeFileSync(file, documents.map(document => `${JSON.stringify(document)}\n`).join(''))
  return file
}

/** A model server that waits so long before it answers; gives its URL with `/v1`. */
export async function serveModel(t: Owner, chatMs: number, embeddingMs: number): Promise<string> {
  const port = String(await freePort())
  const program = fileURLToPath(new URL('model.ts', import.meta.url))
  const started = startProgram(t, {
    args: [program, '--port', port, '--chat-ms', String(chatMs), '--embedding-ms', String(embeddingMs)],
    cores: allCores,
  })
  await untilServing(started, `http://127.0.0.1:${port}/v1/models`)
  return `http://127.0.0.1:${port}/v1`
}

/** Loads every system once and lets it go: what serves later has the documents already. */
export async function loadAll(
  names: readonly SystemName[],
  around: Surroundings,
  documents: readonly Document[],
  tell: (what: string) => void,
): Promise<void> {
  const t = createKeeper()
  try {
    const modelUrl = await serveModel(t, 0, 0)
    for (const name of names) {
      const begin = performance.now()
      await serveSystem(t, name, around, { modelUrl, documents })
      tell(`${name}: ${documents.length} documents in ${((performance.now() - begin) / 1000).toFixed(1)} s`)
    }
  } finally {
    await t.end()
  }
}
