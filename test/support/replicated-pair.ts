import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { chownSync } from 'node:fs'
import { join } from 'node:path'
import { administer, startCluster, startPostgres, urlOf } from './postgres.ts'
import { postgresAccount, postgresProgram } from './postgres-programs.ts'
import { runOwner } from './run.ts'
import { guard, removeServer, serverFolder, type Owner } from './server-process.ts'
import { until } from './until.ts'

/** A primary and its streaming standby, behind one address that leads to the current primary. */
export interface ReplicatedPair {
  /** A migrated, empty database. */
  readonly url: string
  /** Stops replication: the standby has everything written so far, but receives nothing more. */
  holdBack(): Promise<void>
  /** Kills the primary, promotes the standby and directs the address to it. */
  failOver(): Promise<void>
}

const settings = { wal_level: 'replica', max_wal_senders: '4', hot_standby: 'on' }

export async function startPair(t: Owner): Promise<ReplicatedPair> {
  const primary = await startPostgres(t, { settings })
  const standbyPort = await startStandby(t, primary.url)
  const door = await openDoor(t, Number(new URL(primary.url).port))
  const standby = urlOf(standbyPort, 'askwell')

  async function holdBack(): Promise<void> {
    const [row] = await administer(primary.url, sql => sql`select pg_current_wal_flush_lsn()::text as written`)
    const written = String(row?.['written'])
    await until(
      'the standby has all that is written',
      async () =>
        (
          await administer(standby, sql => sql`select pg_last_wal_replay_lsn() >= ${written}::text::pg_lsn as has`)
        )[0]?.['has'],
    )
    await administer(standby, sql => sql`alter system set primary_conninfo = ''`)
    await administer(standby, sql => sql`select pg_reload_conf()`)
    await until(
      'nothing is streamed',
      async () => (await administer(primary.url, sql => sql`select from pg_stat_replication`)).length === 0,
    )
  }

  async function failOver(): Promise<void> {
    await primary.kill()
    await administer(standby, sql => sql`select pg_promote(true, 600)`)
    door.leadTo(standbyPort)
  }

  return { url: urlOf(door.port, 'askwell'), holdBack, failOver }
}

async function startStandby(t: Owner, primaryUrl: string): Promise<number> {
  const folder = serverFolder('standby')
  guard([process.pid, runOwner], folder, 'SIGQUIT')
  const account = postgresAccount()
  if (account) chownSync(folder, account.uid, account.gid)
  const args = [
    '--dbname',
    primaryUrl,
    '--pgdata',
    join(folder, 'data'),
    '--write-recovery-conf',
    '--wal-method',
    'stream',
    '--checkpoint',
    'fast',
  ]
  execFileSync(postgresProgram('pg_basebackup'), args, { cwd: folder, stdio: 'pipe', ...account })
  const { port, server } = await startCluster(folder, { settings })
  t.teardown(() => removeServer(server, folder))
  return port
}

/** A port that forwards connections to another port. */
async function openDoor(t: Owner, firstPort: number) {
  let target = firstPort
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const inner = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {}).on('close', () => (sockets.delete(one), other.destroy()))
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => sockets.forEach(socket => socket.destroy())
  t.teardown(() => (server.close(), close()))
  return {
    port: (server.address() as AddressInfo).port,
    leadTo(port: number) {
      target = port
      close()
    },
  }
}
