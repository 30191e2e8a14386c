import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRedis, startRedisProgram, told, type Redis } from './redis.ts'
import type { Owner } from './server-process.ts'
import { until } from './until.ts'

export interface Watched {
  /** URL of the Sentinel; its first host does not exist. */
  readonly url: string
  readonly master: Redis
  readonly replica: Redis
}

/** Starts a master, its replica, and a Sentinel that promotes the replica half a second after the master's death. */
export async function startWatchedRedis(t: Owner): Promise<Watched> {
  const master = await startRedis(t)
  const replica = await startRedis(t, ['--replicaof', `127.0.0.1 ${master.port}`])
  await until('the replica has the data', async () =>
    (await told(replica, client => client.info('replication'))).includes('master_link_status:up'),
  )
  const sentinel = await startRedisProgram('sentinel', t, folder => [configIn(folder, master), '--sentinel'])
  await until('the Sentinel knows the replica', async () => {
    const [known] = (await told(sentinel, client => client.call('sentinel', 'replicas', 'main'))) as string[][]
    const says = (name: string) => known?.[known.indexOf(name) + 1]
    return says('flags') === 'slave' && says('master-link-status') === 'ok'
  })
  return { url: `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/main`, master, replica }
}

/** The configuration must be a file, because Sentinel writes to it. */
function configIn(folder: string, master: Redis): string {
  const path = join(folder, 'sentinel.conf')
  writeFileSync(
    path,
    [
      `sentinel monitor main 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000',
      '',
    ].join('\n'),
  )
  return path
}
