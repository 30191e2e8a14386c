import { hash } from 'node:crypto'
import { isWhole, known, fresh } from '../faults/world.ts'
import { adminKey } from '../support/app.ts'
import { loadHandbook } from '../support/corpus.ts'
import { startLoad, type Load } from '../support/load.ts'
import { settingsFor } from '../support/model-settings.ts'
import { administer, startPostgres } from '../support/postgres.ts'
import { startRedis } from '../support/redis.ts'
import { freePort, type Owner } from '../support/server-process.ts'
import { clientOf } from '../support/service.ts'
import { startModelProcess, type ModelProcess } from './model-process.ts'
import { startFoe, type Foe } from './foe.ts'
import { startTarget, type Target } from './target.ts'
import { guestKey, hostileCollection, webKey } from './terms.ts'

/** Everything around one run: servers, the service, the honest client and the hostile one. */
export interface World {
  readonly target: Target
  readonly databaseUrl: string
  readonly model: ModelProcess
  readonly foe: Foe
  readonly load: Load
}

export interface WorldOptions {
  readonly seed: number
  /** The folder of the Askwell that is attacked. */
  readonly checkout: string
  /** Where neighbours may have the machine: nothing is refused because the service is late. */
  readonly isPatient?: boolean
  /** How long the hostile client waits for a reply. */
  readonly foePatienceMs: number
}

/** Servers that several services, one after the other, may have. */
export interface Servers {
  readonly adminUrl: string
  readonly redisUrl: string
  readonly model: ModelProcess
}

export async function startServers(t: Owner): Promise<Servers> {
  const [postgres, redis, model] = await Promise.all([
    startPostgres(t, { settings: { autovacuum: 'on' } }),
    startRedis(t),
    startModelProcess(t),
  ])
  return { adminUrl: postgres.adminUrl, redisUrl: redis.url, model }
}

/** Below the default rate limit of 100 in 10 s, also when it makes up for a moment in which nothing was sent. */
const honestPerSecond = 7

/** The service on a database of its own, migrated by itself: it may be an older one. */
export async function openWorld(
  t: Owner,
  servers: Servers,
  { seed, checkout, foePatienceMs, isPatient = false }: WorldOptions,
): Promise<World> {
  const name = `hostile_${process.pid}_${databases++}`
  await administer(servers.adminUrl, sql => sql`create database ${sql(name)}`)
  const databaseUrl = servers.adminUrl.replace(/[^/]*$/, name)
  const env = { ...environmentOf(servers, databaseUrl, await freePort()), ...(isPatient && patience) }
  const target = await startTarget(t, checkout, env)
  await loadHandbook(clientOf(target.url))
  const ids = await idsIn(target.url)
  const foe = await startFoe(t, { url: target.url, databaseUrl, checkout, env, seed, ids, patienceMs: foePatienceMs })
  const headers = { authorization: `Bearer ${webKey}` }
  for (const question of known) await clientOf(target.url).ask({ question }, headers)
  // The honest client has the other address of loopback, and a key.
  const load = startLoad({
    url: target.url,
    perSecond: honestPerSecond,
    known,
    fresh,
    timeoutMs: 20_000,
    isWhole,
    headers,
  })
  t.teardown(load.stop)
  return { target, databaseUrl, model: servers.model, foe, load }
}

let databases = 0

/**
 * Lateness is what the service refuses for, and a machine can make it late by itself. With these a question waits instead:
 * that it is answered, and by which process, does not depend on how long that takes.
 */
const patience = { MAX_EVENT_LOOP_DELAY_MS: '0', ADMISSION_MAX_WAIT_MS: '20000', ADMISSION_MAX_WAITING: '1000' }

/** The defaults, but for what names things, and what one client could not be told from another without. */
function environmentOf({ redisUrl, model }: Servers, databaseUrl: string, port: number): Record<string, string> {
  const key = (name: string, text: string, more: object = {}) => ({
    name,
    sha256: hash('sha256', text, 'hex'),
    scopes: ['ask'],
    ...more,
  })
  return {
    ...settingsFor(model, 'test-embedding'),
    // These answers are made up.
    GROUNDING: 'off',
    // A fresh question has a number that no document has.
    ABSTAIN_BELOW: '0',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    ADMIN_API_KEY: adminKey,
    API_KEYS: JSON.stringify([key('web', webKey, { rate_limit: 100 }), key('guest', guestKey)]),
    // A proxy in front, which adds the client's address to the header that came with the request.
    TRUST_PROXY: 'on',
    ALLOWED_HOSTS: 'localhost',
    LOG_QUESTIONS: 'on',
    // Full before the first minute is weighed: what grows after that is no cache.
    ANSWER_CACHE_MB: '4',
    EMBEDDING_CACHE_MB: '2',
    // Each fresh question is to be answered by itself. The former name of SEMANTIC_CACHE: older versions are attacked too.
    NEAR_MATCHES: 'off',
  }
}

/** Some documents that the attacks may read and remove: not those of the honest client. */
async function idsIn(url: string): Promise<string[]> {
  const documents = [1, 2, 3].map(nth => ({ source: `prey ${nth}`, text: `Guest ${nth} has left the dormitory.` }))
  const { json, status, text } = await clientOf(url).send(
    'PUT',
    '/documents',
    { collection: hostileCollection, documents },
    { authorization: `Bearer ${adminKey}` },
  )
  if (status !== 200) throw new Error(`the documents were not stored: ${status} ${text}`)
  return (json.documents as { id: string }[]).map(({ id }) => id)
}
