import { databaseUrl, hidden, integer, oneOf, onOff, setting, words } from '../kinds.ts'

export const databaseSettings = {
  databaseUrl: hidden(
    setting(
      'DATABASE_URL',
      undefined,
      'URL of Postgres 15+ with pgvector 0.8+. Unset: the embedded database.',
      databaseUrl,
    ),
  ),
  dataDir: setting('DATA_DIR', '.askwell', 'Directory of the embedded database.', words),
  migrateOnStart: setting(
    'MIGRATE_ON_START',
    'on',
    'Apply pending migrations at startup; `off` if you run `askwell migrate` separately.',
    onOff,
  ),
  bm25: setting(
    'BM25',
    'auto',
    'Lexical search: `pg_textsearch`, `portable` (a GIN index), or `auto`, which uses the extension if the database has it.',
    oneOf('auto', 'pg_textsearch', 'portable'),
  ),
  poolSize: setting('POOL_SIZE', '20', 'Database connections kept open in the pool.', integer(1, 1000)),
  poolMaxOverflow: setting(
    'POOL_MAX_OVERFLOW',
    '30',
    'Extra database connections opened under load, in addition to `POOL_SIZE`.',
    integer(0, 1000),
  ),
  poolMaxWaiting: setting(
    'POOL_MAX_WAITING',
    '200',
    'Requests that may wait for a database connection; further ones get 503.',
    integer(0, 100_000),
  ),
} as const
