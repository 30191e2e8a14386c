import { mostLarge } from '../../adapters/postgres/store/large-metadata.ts'
import { mostReported } from '../../adapters/postgres/store/outdated.ts'
import type { DatabaseFault } from '../../faults.ts'
import type { Facts } from './facts.ts'
import { counted, inSeconds, type Finding, type Severity } from './findings.ts'

/** Networks break a connection now and then. This many in ten seconds have another cause. */
const lostAtLeast = 3
const lateSearchesAtLeast = 3
const lockMs = 500
const lateMs = 500

export function diagnoseDatabase(facts: Facts): Finding[] {
  if (facts.database.isDown) return [down(facts)]
  const found = [locked(facts), ...reportedFaults(facts), drops(facts), fewLeft(facts)].filter(each => each !== null)
  return [
    ...(found.length > 0 ? found : [late(facts)]),
    largeMetadata(facts),
    outdated(facts),
    unitsBehind(facts),
  ].filter(each => each !== null)
}

const finding = (severity: Severity, code: string, detail: string): Finding => ({
  culprit: 'database',
  severity,
  code,
  detail,
})

const refusedLogin = 'Postgres rejected our credentials; check DATABASE_URL and pg_hba.conf'

const whyDown: Readonly<Partial<Record<DatabaseFault, readonly [code: string, words: string]>>> = {
  silent: [
    'database-silent',
    'Postgres accepts connections but does not respond: it is frozen or cut off; check the server and the network',
  ],
  starting: [
    'database-starting',
    'Postgres is starting or recovering and accepts no queries yet; wait, or check its log',
  ],
  login: ['database-refuses-login', refusedLogin],
  too_many_connections: [
    'database-connections-used-up',
    'Postgres has no connection left for Askwell; raise max_connections, or lower POOL_SIZE',
  ],
}

function down({ database: { downBy }, breakers }: Facts): Finding {
  const [code, words] = whyDown[downBy ?? 'unreachable'] ?? [
    'database-unreachable',
    'Postgres cannot be reached: it is stopped, or DATABASE_URL is wrong; start it, or correct DATABASE_URL',
  ]
  return finding(
    'critical',
    code,
    `${words} (last ping: ${downBy ?? 'no response'}, circuit breaker: ${breakers.database ?? 'none'}).`,
  )
}

/** Searches that cannot be made at all are worse than slow ones. */
function isStuck({ breakers: { database = 'closed' }, times }: Facts): boolean {
  return database !== 'closed' || times('deadline:retrieve') >= lateSearchesAtLeast
}

function locked(facts: Facts): Finding | null {
  const { lock } = facts.database
  if (lock === null || lock.longestMs < lockMs) return null
  return finding(
    isStuck(facts) ? 'critical' : 'warning',
    'database-lock',
    `${counted(lock.waiting, 'Askwell query', 'Askwell queries')} waited for a lock, the longest for ${inSeconds(lock.longestMs)}; the lock is held by ${lock.heldBy}.`,
  )
}

/** Faults that Postgres itself reported to any of our queries. */
const reported: readonly (readonly [DatabaseFault, Severity, code: string, words: string])[] = [
  [
    'read_only',
    'warning',
    'database-read-only',
    'Postgres accepts no writes (standby, read-only or full disk): questions are answered, documents are not stored',
  ],
  [
    'disk_full',
    'warning',
    'database-disk-full',
    'The disk of Postgres is full: documents are not stored; free some space or enlarge the disk',
  ],
  [
    'too_many_connections',
    'warning',
    'database-connections-used-up',
    'Postgres had no connection left; raise max_connections, or lower POOL_SIZE and POOL_MAX_OVERFLOW',
  ],
  ['login', 'critical', 'database-refuses-login', refusedLogin],
  [
    'forbidden',
    'critical',
    'database-right-missing',
    'The role in DATABASE_URL lacks a right to a table; the log names the table and the GRANT',
  ],
  [
    'out_of_resources',
    'warning',
    'database-out-of-resources',
    'Postgres ran out of memory or another resource; check its log',
  ],
  ['broken', 'critical', 'database-broken', 'Postgres reported a system error or damaged data; check its log'],
]

function reportedFaults({ times, database: { isReadOnly } }: Facts): Finding[] {
  return reported.flatMap(([fault, severity, code, words]) => {
    const count = times(`database:${fault}`)
    // A read-only database is reported even if no write was attempted.
    if (count === 0 && fault === 'read_only' && isReadOnly) return [finding(severity, code, `${words}.`)]
    return count === 0 ? [] : [finding(severity, code, `${words} (${counted(count, 'time')} in the last 10 s).`)]
  })
}

function drops({ times }: Facts): Finding | null {
  const count = times('database:lost')
  return count < lostAtLeast
    ? null
    : finding(
        'warning',
        'database-drops-connections',
        `${counted(count, 'connection')} to Postgres broke in the last 10 s: it is restarting, its sessions are being terminated, or the network is failing; check its log.`,
      )
}

/** The server has too few free connections for the pool to grow to its configured maximum. */
function fewLeft({ database: { server }, pool: { size, maxOverflow, open } }: Facts): Finding | null {
  const wanted = size + maxOverflow - open
  if (server === null || wanted <= 0 || server.free >= Math.min(wanted, 5)) return null
  return finding(
    'warning',
    'database-connections-nearly-used-up',
    `Postgres has ${server.free} of ${server.maxConnections} connections left, but the pool may open ${wanted} more; raise max_connections, or lower POOL_SIZE and POOL_MAX_OVERFLOW.`,
  )
}

/** Postgres responds but searches do not finish, and no other finding explains it. */
function late(facts: Facts): Finding | null {
  if (!isStuck(facts)) return null
  const count = facts.times('deadline:retrieve')
  // If this process is itself late, every reply looks late: not a fault of the database alone.
  return finding(
    facts.process.lateMs >= lateMs ? 'warning' : 'critical',
    'database-slow',
    `${counted(count, 'search', 'searches')} timed out in the last 10 s although Postgres responds (circuit breaker: ${facts.breakers.database ?? 'none'}); look for locks, missing indexes and server load.`,
  )
}

/** Documents loaded before the limit existed: they are still used for answers, but cannot be loaded again unchanged. */
function largeMetadata({ database: { largeMetadata: count } }: Facts): Finding | null {
  if (count === null || count === 0) return null
  const many =
    count > mostLarge
      ? `More than ${mostLarge} documents have`
      : count === 1
        ? '1 document has'
        : `${count} documents have`
  return finding(
    'info',
    'metadata-large',
    `${many} more than 16 kB of metadata, stored before that was the limit: it takes space in every answer that cites them, and they are rejected if loaded again; shorten their metadata.`,
  )
}

/**
 * Questions are analyzed by this version, the documents' chunks and terms by the version that prepared them and as the
 * settings of the collection were then.
 */
function outdated({ database: { outdated: count } }: Facts): Finding | null {
  if (count === null || count === 0) return null
  const many =
    count > mostReported
      ? `More than ${mostReported} documents were`
      : count === 1
        ? '1 document was'
        : `${count} documents were`
  return finding(
    'info',
    'documents-outdated',
    `${many} prepared by an older version or with other chunk settings, and may be found and quoted less well than they could be; run: askwell reindex.`,
  )
}

/** In what `times` counts, in seconds. */
const recentSeconds = 10

/** Documents are found by their chunks meanwhile, or by their words. */
function unitsBehind({ database: { unitsBehind: count }, times }: Facts): Finding | null {
  if (count === null || count === 0) return null
  const rate = times('texts embedded') / recentSeconds
  const which = count === 1 ? '1 chunk has' : `${count.toLocaleString('en')} chunks have`
  return finding(
    'info',
    'units-behind',
    `${which} no vectors of single sentences yet, or none at all; they are made in the background${rate > 0 ? ` (${rate.toFixed(1)} texts per second)` : ''}, and questions are answered meanwhile. GET /collections says how many are left.`,
  )
}
