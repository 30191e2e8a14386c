import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { postgresAccount, postgresPrograms } from './postgres-programs.ts'
import { administer, startCluster, startPostgres, urlOf, type Postgres, type PostgresOptions } from './postgres.ts'
import { guard, removeServer, serverFolder, type Owner } from './server-process.ts'
import { until } from './until.ts'

export interface Standby {
  /** URL of the copy of the primary's database. */
  readonly url: string
  readonly adminUrl: string
  readonly port: number
  /** Resolves when the standby has everything that the primary had written at the time of the call. */
  caughtUp(): Promise<void>
  /** Promotes the standby; resolves when it is a primary. */
  promote(): Promise<void>
}

/** Starts a primary that accepts standbys. */
export async function startPrimary(t: Owner, options: PostgresOptions = {}): Promise<Postgres> {
  const settings = { wal_level: 'replica', max_wal_senders: '4', full_page_writes: 'on', ...options.settings }
  return await startPostgres(t, { ...options, settings })
}

/** Starts a standby from a current copy of the primary (`pg_basebackup`). */
export async function startStandby(t: Owner, primary: Postgres): Promise<Standby> {
  const folder = serverFolder('standby')
  guard([process.pid], folder, 'SIGQUIT')
  copy(primary, folder)
  const { port, server } = await startCluster(folder, {
    settings: { wal_level: 'replica', max_wal_senders: '4', hot_standby: 'on' },
  })
  t.teardown(() => removeServer(server, folder))
  const adminUrl = urlOf(port, 'postgres')
  return {
    url: urlOf(port, 'askwell'),
    adminUrl,
    port,
    async caughtUp() {
      const [at] = await administer(primary.adminUrl, sql => sql`select pg_current_wal_lsn()::text as lsn`)
      await until('the standby has caught up', async () => {
        const [row] = await administer(
          adminUrl,
          sql => sql`select pg_last_wal_replay_lsn() >= ${at?.['lsn']}::text::pg_lsn as done`,
        )
        return row?.['done']
      })
    },
    async promote() {
      await administer(adminUrl, sql => sql`select pg_promote()`)
    },
  }
}

function copy(primary: Postgres, folder: string): void {
  const [account, data] = [postgresAccount(), join(folder, 'data')]
  mkdirSync(data, { mode: 0o700 })
  if (account !== undefined) for (const each of [folder, data]) chownSync(each, account.uid, account.gid)
  const args = ['-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync', '-d', primary.adminUrl]
  execFileSync(baseBackup(), args, { cwd: folder, stdio: 'pipe', ...account })
}

/** Path of pg_basebackup: next to the other programs or, if those are links, next to their targets; else on PATH. */
function baseBackup(): string {
  const programs = postgresPrograms() as string
  const folders = [programs, dirname(realpathSync(join(programs, 'initdb')))]
  return folders.map(folder => join(folder, 'pg_basebackup')).find(existsSync) ?? 'pg_basebackup'
}
