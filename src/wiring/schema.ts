import type { Logger } from 'pino'
import type { Database, Sql } from '../adapters/postgres/database.ts'
import { AskError } from '../errors.ts'
import { checkMigrations, migrate } from '../adapters/postgres/migrate.ts'
import { namesOf } from '../adapters/postgres/migrations/applied.ts'
import type { Config } from '../config/terms.ts'

/** With START_TIMEOUT_SECONDS=0, processes that start together must still let one of them migrate. */
const shortestTurnMs = 10_000

/**
 * Migrates the schema, or only checks it when MIGRATE_ON_START is off. Rejects with `database_unavailable` or
 * `database_read_only` when this version must not work on it.
 */
export async function prepareSchema(
  database: Database,
  config: Config,
  log: Pick<Logger, 'info' | 'warn'>,
  signal: AbortSignal,
): Promise<void> {
  const isReadOnly = database.isReadOnly()
  const isMigrating = !isReadOnly && (config.migrateOnStart || database.kind === 'embedded')
  const newer = await database.lease({ signal, label: 'migrate', holdLimitMs: Infinity }, sql =>
    isMigrating
      ? migrated(sql, log, { signal, patienceMs: config.startTimeoutMs || shortestTurnMs })
      : checked(sql, isReadOnly),
  )
  if (newer.length > 0)
    log.warn(
      { newer },
      'the database was migrated by a newer version that this one is compatible with; finish the update, or the rollback',
    )
}

async function migrated(
  sql: Sql,
  log: Pick<Logger, 'info'>,
  { signal, patienceMs }: { readonly signal: AbortSignal; readonly patienceMs: number },
): Promise<readonly string[]> {
  const onWait = () => log.info('another process is migrating the database: waiting for it')
  const { applied, newer } = await migrate(sql, {
    signal,
    onWait,
    turnPatienceMs: patienceMs,
    lockPatienceMs: patienceMs,
  })
  if (applied.length > 0) log.info({ applied }, 'migrations applied')
  return newer
}

async function checked(sql: Sql, isReadOnly: boolean): Promise<readonly string[]> {
  const { pending, newer } = await checkMigrations(sql)
  if (pending.length === 0) return newer
  const names = namesOf(pending)
  if (isReadOnly)
    throw new AskError('database_read_only', {
      detail: `the database lacks ${names} and accepts no writes (a standby, or read-only); run askwell migrate on the primary`,
    })
  throw new AskError('database_unavailable', {
    detail: `the database lacks ${names}; run askwell migrate, or set MIGRATE_ON_START=on`,
  })
}
