import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { readConfig } from '../../src/config/config.ts'
import type { Deps } from '../../src/deps.ts'
import { createLogger } from '../../src/log.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { startServer } from '../../src/server.ts'
import { adminKey } from './admin-key.ts'
import { createDatabase } from './database.ts'
import { patient } from './patient.ts'
import { postgresSkipReason } from './postgres-programs.ts'
import { oncePerRun } from './run.ts'
import type { Owner } from './server-process.ts'

/** The two kinds of database that the product supports. Every service test runs with both. */
export type World = 'embedded' | 'postgres'

export { adminKey }

export interface App {
  /** Address of the service, a real socket on a free port. */
  readonly url: string
  /** Address of the monitoring port, or null if it has none of its own. */
  readonly monitoringUrl: string | null
  readonly deps: Deps
  readonly env: Readonly<Record<string, string>>
  ask(body: object, headers?: Record<string, string>): Promise<Reply>
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>
  stop(): Promise<void>
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // Untyped on purpose: a test reads the JSON that it expects and fails if it is different.
  readonly json: any // eslint-disable-line
}

/** Starts the whole service on a fresh database of `world` and stops it when the test ends. */
export async function startApp(t: Owner, world: World, settings: Record<string, string> = {}): Promise<App> {
  const env = {
    ...patient,
    ...(isDatabaseIn(settings) ? {} : await databaseSettings(t, world)),
    PORT: '0',
    LOG_LEVEL: 'silent',
    RATE_LIMIT: '0',
    ADMIN_API_KEY: adminKey,
    ...settings,
  }
  const config = readConfig(env)
  const server = await startServer(config, createLogger(config))
  t.teardown(server.stop)
  const send = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> =>
    replyOf(
      await fetch(server.address + path, { method, headers: { ...contentType(body), ...headers }, ...bodyOf(body) }),
    )
  return {
    url: server.address,
    monitoringUrl: server.monitoringAddress,
    deps: server.deps,
    env,
    ask: (body, headers) => send('POST', '/ask', body, headers),
    send,
    stop: server.stop,
  }
}

function isDatabaseIn(settings: Record<string, string>): boolean {
  return 'DATABASE_URL' in settings || 'DATA_DIR' in settings
}

/** Settings for an empty, migrated database that only this test uses. */
export async function databaseSettings(t: Owner, world: World): Promise<Record<string, string>> {
  if (world === 'embedded') return { DATA_DIR: await embeddedFolder(t) }
  return { DATABASE_URL: (await createDatabase(t)).url }
}

/** Reason for tap's `skip` if tests of this world cannot run here, otherwise false. In CI it throws instead. */
export function skipReason(world: World): string | false {
  return world === 'postgres' ? postgresSkipReason() : false
}

export const worlds: readonly World[] = ['embedded', 'postgres']

/** For behavior that is identical in both worlds: Postgres if installed, because it starts in a third of the time. */
export const anyWorld: World = postgresSkipReason() === false ? 'postgres' : 'embedded'

/** The worlds for a test whose outcome does not depend on which Postgres runs: one of them, both with ASKWELL_TEST_WORLDS=all. */
export const eitherWorld: readonly World[] = process.env['ASKWELL_TEST_WORLDS'] === 'all' ? worlds : [anyWorld]

/** Copies a template, because creating an embedded database takes seconds. */
async function embeddedFolder(t: Owner): Promise<string> {
  return copyOf(t, await embeddedTemplate())
}

/** The folder of an empty, migrated embedded database. It is only copied, never opened. */
async function embeddedTemplate(): Promise<string> {
  return await oncePerRun('embedded', async folder => {
    const dataDir = join(folder, 'data')
    const database = await openDatabase({ ...poolSettings, url: undefined, dataDir })
    await database.lease({ signal: new AbortController().signal, label: 'migrate' }, sql => migrate(sql))
    await database.close()
    return dataDir
  })
}

/** Copies the folder of an embedded database for one test. */
export function copyOf(t: Owner, template: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'askwell-test-embedded-'))
  cpSync(template, copy, { recursive: true })
  t.teardown(() => rmSync(copy, { recursive: true, force: true }))
  return copy
}

const poolSettings = { poolSize: 2, poolMaxOverflow: 0, poolMaxWaiting: 10, statementTimeoutMs: 30_000 }

export async function replyOf(response: Response): Promise<Reply> {
  const text = await response.text()
  const isJson = /[/+]json\b/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  }
}

function contentType(body: unknown): Record<string, string> {
  return body === undefined ? {} : { 'content-type': 'application/json' }
}

function bodyOf(body: unknown): { body?: string } {
  if (body === undefined) return {}
  return { body: typeof body === 'string' ? body : JSON.stringify(body) }
}
