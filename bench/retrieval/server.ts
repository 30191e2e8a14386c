import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { administer, startCluster, urlOf } from '../../test/support/postgres.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'

/** Where the cluster and everything made for it is kept, unless an option says otherwise. Some ten gigabytes with the million. */
export const defaultFolder = join(tmpdir(), 'askwell-bench')

/** A server for one purpose; nothing here must survive a power cut. */
export const settings: Readonly<Record<string, string>> = {
  shared_buffers: '4GB',
  effective_cache_size: '12GB',
  work_mem: '32MB',
  maintenance_work_mem: '4GB',
  max_parallel_maintenance_workers: '2',
  max_wal_size: '8GB',
  random_page_cost: '1.1',
  jit: 'off',
  autovacuum: 'on',
}

/** Starts the cluster in the folder, or finds it running; it goes on running afterwards. Returns its port. */
export async function openServer(folder: string, more: Readonly<Record<string, string>> = {}): Promise<number> {
  const running = runningPort(folder)
  if (running !== null) return running
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const { port } = await startCluster(folder, { settings: { ...settings, ...more } })
  return port
}

/** As the postmaster wrote it down: number of the process on the first line, port on the fourth. */
function runningPort(folder: string): number | null {
  const file = join(folder, 'data', 'postmaster.pid')
  if (!existsSync(file)) return null
  const lines = readFileSync(file, 'utf8').split('\n')
  try {
    process.kill(Number(lines[0]), 0)
    return Number(lines[3])
  } catch {
    return null
  }
}

/** A migrated database, made if absent. Returns its url. */
export async function openBenchDatabase(port: number, name: string): Promise<string> {
  await administer(urlOf(port, 'postgres'), async sql => {
    const [found] = await sql`select from pg_database where datname = ${name}`
    if (!found) await sql`create database ${sql(name)}`
  })
  await administer(urlOf(port, name), sql => migrate(sql as never))
  return urlOf(port, name)
}
