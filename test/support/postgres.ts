import { execFile, execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { selfSigned } from './certificate.ts'
import { postgresAccount, postgresPrograms, postgresSkipReason } from './postgres-programs.ts'
import { oncePerRun, runOwner } from './run.ts'
import {
  freePort,
  guard,
  removeServer,
  serverFolder,
  startServer,
  type Owner,
  type Program,
  type ServerProcess,
} from './server-process.ts'

/**
 * Real Postgres servers for tests. Most tests use their own database on the server that all test files of a run share
 * (`createDatabase` in database.ts). A test that stops, freezes or kills its server starts a private one with
 * `startPostgres`.
 */

export type StopMode = 'smart' | 'fast' | 'immediate'

export interface Postgres extends Omit<ServerProcess, 'stop'> {
  /** A migrated, empty database. */
  readonly url: string
  /** URL of the maintenance database, as superuser. */
  readonly adminUrl: string
  /** Postgres' shutdown modes: wait for clients to disconnect, disconnect them (default), or abort. */
  stop(mode?: StopMode): Promise<void>
}

export interface PostgresOptions {
  /** Server settings over the defaults below, e.g. `{ max_connections: '20' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Whether the server uses TLS with a self-signed certificate and `url` requires it. */
  readonly isEncrypted?: boolean
}

/** Databases on the shared server are clones of this one. */
export const templateName = 'askwell_template'

const stopSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const

// The data does not outlive the run, so it need not survive a power cut, and no commit waits for the disk. It must
// survive `kill`, because tests check whether a record was lost; therefore synchronous_commit stays on. Without fsync
// it only copies to the page cache.
const settings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  max_connections: '200',
  shared_buffers: '32MB',
  fsync: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  autovacuum: 'off',
}

/** Starts a private server with a migrated database in about a second. It ends with the test or with the process. */
export async function startPostgres(t?: Owner, options: PostgresOptions = {}): Promise<Postgres> {
  const data = await migratedData()
  const folder = serverFolder('postgres')
  guard([process.pid, runOwner], folder, 'SIGQUIT')
  await promisify(execFile)('cp', ['-Rp', data, join(folder, 'data')])
  const cluster = await startCluster(folder, options)
  t?.teardown(() => removeServer(cluster.server, folder))
  return inHand(cluster, options.isEncrypted === true)
}

/** Data of a stopped server with a migrated database, because creating it takes two seconds of processor time. */
async function migratedData(): Promise<string> {
  return await oncePerRun('postgres-data', async folder => {
    const { port, server } = await startCluster(folder, {})
    await makeTemplate(port)
    await administer(urlOf(port, 'postgres'), sql => sql`create database askwell template ${sql(templateName)}`)
    await server.stop(stopSignals.fast)
    // The guard of the run would signal the process that has this id by then.
    rmSync(join(folder, 'pid'))
    return join(folder, 'data')
  })
}

export interface SharedPostgres {
  readonly folder: string
  readonly port: number
}

/** The shared server of this run. The first test file that needs it starts and migrates it; it ends with the run. */
export async function sharedPostgres(): Promise<SharedPostgres> {
  return await oncePerRun('postgres', async folder => {
    const { port } = await startCluster(folder, {})
    await makeTemplate(port)
    return { folder, port }
  })
}

export function urlOf(port: number, database: string): string {
  return `postgres://postgres@127.0.0.1:${port}/${database}`
}

/** Runs one or two statements on a separate connection. */
export async function administer<T>(url: string, work: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined, connection: { application_name: 'test-support' } })
  try {
    return await work(sql)
  } finally {
    await sql.end()
  }
}

/** Starts the cluster in the folder and creates it first if necessary. */
export async function startCluster(folder: string, options: PostgresOptions): Promise<Cluster> {
  const reason = postgresSkipReason()
  const programs = postgresPrograms()
  if (reason !== false || programs === undefined) throw new Error(String(reason))
  const account = postgresAccount()
  if (account !== undefined) chownSync(folder, account.uid, account.gid)
  const port = await freePort()
  if (!existsSync(join(folder, 'data'))) initialise(programs, folder)
  const program = postmaster(programs, folder, port, {
    ...settings,
    ...(options.isEncrypted && encryption(folder)),
    ...options.settings,
  })
  return { port, server: await startServer(program) }
}

interface Cluster {
  readonly port: number
  readonly server: ServerProcess
}

function initialise(programs: string, folder: string): void {
  const data = join(folder, 'data')
  const account = postgresAccount()
  mkdirSync(data, { mode: 0o700 })
  if (account !== undefined) chownSync(data, account.uid, account.gid)
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'en_US.UTF-8'
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', `--locale=${locale}`, '--no-sync']
  execFileSync(join(programs, 'initdb'), args, { cwd: folder, stdio: 'pipe', ...account })
}

function encryption(folder: string): Record<string, string> {
  const { cert, key } = selfSigned(folder, postgresAccount())
  return { ssl: 'on', ssl_cert_file: cert, ssl_key_file: key }
}

function postmaster(programs: string, folder: string, port: number, values: Readonly<Record<string, string>>): Program {
  const data = join(folder, 'data')
  const flags = Object.entries({ ...values, unix_socket_directories: folder }).flatMap(([k, v]) => ['-c', `${k}=${v}`])
  return {
    command: join(programs, 'postgres'),
    args: ['-D', data, '-p', String(port), ...flags],
    folder,
    stopSignal: stopSignals.immediate,
    account: postgresAccount(),
    isReady: pid => isReady(join(data, 'postmaster.pid'), pid),
  }
}

/** Postgres writes its state to the last line of this file, which is cheaper and more exact than a test connection. */
function isReady(lockFile: string, pid: number): boolean {
  if (!existsSync(lockFile)) return false
  const lines = readFileSync(lockFile, 'utf8').split('\n')
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready'
}

async function makeTemplate(port: number): Promise<void> {
  await administer(urlOf(port, 'postgres'), sql => sql`create database ${sql(templateName)}`)
  await administer(urlOf(port, templateName), migrateTemplate)
}

async function migrateTemplate(sql: postgres.Sql): Promise<void> {
  const { migrate } = await import('../../src/adapters/postgres/migrate.ts')
  await migrate(sql)
}

function inHand({ port, server }: Cluster, isEncrypted: boolean): Postgres {
  return {
    ...forward(server),
    get pid() {
      return server.pid
    },
    url: urlOf(port, 'askwell') + (isEncrypted ? '?sslmode=require' : ''),
    adminUrl: urlOf(port, 'postgres'),
    stop: (mode = 'fast') => server.stop(stopSignals[mode]),
  }
}

function forward(server: ServerProcess): Omit<ServerProcess, 'pid' | 'stop'> {
  return { start: server.start, freeze: server.freeze, thaw: server.thaw, kill: server.kill }
}
