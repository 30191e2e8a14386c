import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { administer, startPostgres } from '../../test/support/postgres.ts'
import { freePort } from '../../test/support/server-process.ts'
import { clientOf } from '../../test/support/service.ts'
import { settingsFor } from '../../test/support/model-settings.ts'
import { faq, load, noticeName, notices } from '../cache/documents.ts'
import { createKeeper, type Keeper } from '../cache/keeper.ts'
import { hasTaskset, otherCores, startProgram, untilServing, type Program } from '../cache/program.ts'
import { serveAskwell, type Settings } from '../cache/servers.ts'
import { permits } from '../cache/world.ts'
import type { World } from './terms.ts'

export { permits }

export const allCores = `0-${cpus().length - 1}`

const modelProgram = fileURLToPath(new URL('../../test/support/model.ts', import.meta.url))

/** Two sentences, one with a citation: as much as the stand-in writes by itself, without its reading the prompt. */
const modelAnswer =
  'The permit costs what its notice says and is ready within some working days [1]. Apply at the desk with a passport and the form that is named there.'

export interface Latencies {
  readonly chatMs?: number
  readonly embeddingMs?: number
}

export interface ModelServer {
  /** With `/v1`. */
  readonly url: string
  readonly program: Program
}

/** The OpenAI-protocol server of the tests as a process of its own, with so much time to its first token. */
export async function serveModel(t: Keeper, { chatMs = 0, embeddingMs = 0 }: Latencies = {}): Promise<ModelServer> {
  const port = String(await freePort())
  const latencies = ['--first-token', String(chatMs), '--embedding-delay', String(embeddingMs)]
  const program = startProgram(t, {
    args: [modelProgram, '--port', port, ...latencies, '--answer', modelAnswer],
    cores: otherCores,
  })
  const url = `http://127.0.0.1:${port}/v1`
  await untilServing(program, `${url}/models`)
  return { url, program }
}

export type WorldOptions = Pick<World, 'isQuick' | 'soakSeconds' | 'sizes'> & { readonly isEmbedded: boolean }

/**
 * A database of its own with the FAQ in the collection `default` and notices in `permits`, both with vectors of the
 * model server's (an embedding in this process would be what is measured). Postgres may use every core, whoever asks
 * it; the load and the models stay off the one that a measured service has.
 */
export async function openWorld(t: Keeper, options: WorldOptions): Promise<World> {
  const { isEmbedded, isQuick } = options
  const documents = isQuick ? 500 : 5000
  const postgres = isEmbedded
    ? null
    : await startPostgres(t, { settings: { shared_buffers: '256MB', autovacuum: 'on' } })
  const folder = isEmbedded ? temporary(t) : null
  if (hasTaskset) execFileSync('taskset', ['-acp', otherCores, String(process.pid)], { stdio: 'ignore' })
  const { url } = await serveModel(t)
  const rest = {
    ...settingsFor({ url }, 'test-embedding'),
    ANSWER_CACHE_SECONDS: '3600',
    RATE_LIMIT: '1000000',
    RATE_LIMIT_SECONDS: '1',
    SEMANTIC_CACHE: 'off',
  }
  await fill({ ...rest, ...(postgres ? { DATABASE_URL: postgres.url } : { DATA_DIR: folder! }) }, documents)
  // What the service does itself when nobody has written for ten seconds.
  if (postgres) await administer(postgres.url, sql => sql`vacuum analyze`)
  let asked = 0
  return {
    ...options,
    documents,
    seconds: isQuick ? 0.8 : 3,
    turns: isQuick ? 3 : 5,
    databaseUrl: postgres?.url ?? null,
    settings: owner => ({
      ...rest,
      ...(postgres ? { DATABASE_URL: postgres.url } : { DATA_DIR: copied(owner, folder!) }),
    }),
    fresh: count =>
      Array.from({ length: count }, () => ({ question: freshQuestion(asked++, documents), collection: permits })),
  }
}

async function fill(settings: Settings, documents: number): Promise<void> {
  const t = createKeeper()
  try {
    const { address } = await serveAskwell(t, settings, { cores: allCores })
    await load(address, 'default', faq())
    await load(address, permits, notices(documents))
    await mustAnswer(address, documents)
  } finally {
    await t.end()
  }
}

/** Before anything is measured: fresh questions get an answer from the document that they are about. */
async function mustAnswer(address: string, documents: number): Promise<void> {
  for (let number = 0; number < 20; number++) {
    const place = number * 37
    const { text, json } = await clientOf(address).ask({
      question: freshQuestion(place, documents),
      collection: permits,
      mode: 'fast',
    })
    if (json.citations?.[0]?.title !== `The ${noticeName(place % documents)} permit`)
      throw new Error(`a question was not answered from its document: ${text}`)
  }
}

/** What a notice tells of its permit. Three of these in any order make five hundred questions of each. */
const facets = [
  'the room',
  'the form',
  'the passport',
  'what it costs',
  'the working days',
  'a lost one',
  'half the price',
  'where to apply',
  'how many crowns',
]

/** Another for every number, up to five hundred times the documents, and each has its answer in one of them. */
function freshQuestion(number: number, documents: number): string {
  let place = Math.floor(number / documents)
  const left = [...facets]
  const [a, b, c] = [0, 1, 2].map(() => {
    const [taken] = left.splice(place % left.length, 1)
    place = Math.floor(place / (left.length + 1))
    return taken!
  })
  return `The ${noticeName(number % documents)} permit: ${a}, ${b} and ${c}?`
}

function temporary(t: Keeper): string {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-latency-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An embedded database has one user. */
function copied(t: Keeper, from: string): string {
  const folder = temporary(t)
  cpSync(from, folder, { recursive: true })
  return folder
}

/** Nothing is remembered and no language model is asked: retrieval, and sentences quoted from what it finds. */
export const nothingKept: Settings = {
  CHAT_MODEL: 'none',
  ANSWER_CACHE_SECONDS: '0',
  FAST_ANSWER_CACHE_SECONDS: '0',
  ABSTENTION_CACHE_SECONDS: '0',
  STALE_IF_ERROR_SECONDS: '0',
  EMBEDDING_CACHE_MB: '0',
}
