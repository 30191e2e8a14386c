import { mostLarge } from '../../adapters/postgres/store/large-metadata.ts'
import type { DatabaseFault } from '../../adapters/postgres/errors.ts'
import type { Facts } from './facts.ts'
import { counted, inSeconds, type Finding, type Severity } from './findings.ts'

/** Connections that break now and then are a network's; so many in ten seconds are somebody's doing. */
const lostAtLeast = 3
const lateSearchesAtLeast = 3
const lockMs = 500
const lateMs = 500

export function diagnoseDatabase(facts: Facts): Finding[] {
  if (facts.database.isDown) return [down(facts)]
  const found = [locked(facts), ...told(facts), drops(facts), fewLeft(facts)].filter(each => each !== null)
  return [...(found.length > 0 ? found : [late(facts)]), largeMetadata(facts)].filter(each => each !== null)
}

const finding = (severity: Severity, code: string, detail: string): Finding => ({
  culprit: 'database',
  severity,
  code,
  detail,
})

const whyDown: Readonly<Partial<Record<DatabaseFault, readonly [code: string, words: string]>>> = {
  silent: ['database-silent', 'Postgres takes connections and says nothing: it is frozen, cut off, or its machine is'],
  starting: ['database-starting', 'Postgres is starting, or recovers, and takes no queries yet'],
  login: ['database-refuses-login', 'Postgres does not let Askwell in: look at DATABASE_URL and at pg_hba.conf'],
  too_many_connections: [
    'database-connections-used-up',
    'Postgres has no connection left for Askwell: raise max_connections, or lower POOL_SIZE',
  ],
}

function down({ database: { downBy }, breakers }: Facts): Finding {
  const [code, words] = whyDown[downBy ?? 'unreachable'] ?? [
    'database-unreachable',
    'nobody listens where Postgres should be: it is stopped, or DATABASE_URL is wrong',
  ]
  return finding(
    'critical',
    code,
    `${words} (last look: ${downBy ?? 'no answer'}, breaker ${breakers.database ?? 'none'}).`,
  )
}

/** Searches that nobody can make are worse than those that take longer. */
function isStuck({ breakers: { database = 'closed' }, times }: Facts): boolean {
  return database !== 'closed' || times('deadline:retrieve') >= lateSearchesAtLeast
}

function locked(facts: Facts): Finding | null {
  const { lock } = facts.database
  if (lock === null || lock.longestMs < lockMs) return null
  return finding(
    isStuck(facts) ? 'critical' : 'warning',
    'database-lock',
    `${counted(lock.waiting, 'query', 'queries')} of Askwell waited for a lock, the longest ${inSeconds(lock.longestMs)}; it is held by ${lock.heldBy}.`,
  )
}

/** What the server itself said, to whoever asked it. */
const said: readonly (readonly [DatabaseFault, Severity, code: string, words: string])[] = [
  [
    'read_only',
    'warning',
    'database-read-only',
    'Postgres takes no writes (read-only, as with a full disk or on a standby): questions are answered, documents are not stored',
  ],
  ['disk_full', 'warning', 'database-disk-full', 'Postgres has no room on its disk: documents are not stored'],
  [
    'too_many_connections',
    'warning',
    'database-connections-used-up',
    'Postgres had no connection left: raise max_connections, or lower POOL_SIZE and POOL_MAX_OVERFLOW',
  ],
  [
    'login',
    'critical',
    'database-refuses-login',
    'Postgres did not let Askwell in: look at DATABASE_URL and at pg_hba.conf',
  ],
  ['out_of_resources', 'warning', 'database-out-of-resources', 'Postgres was short of memory or of another resource'],
  ['broken', 'critical', 'database-broken', 'Postgres reported an error of its system or of its data'],
]

function told({ times, database: { isReadOnly } }: Facts): Finding[] {
  return said.flatMap(([fault, severity, code, words]) => {
    const count = times(`database:${fault}`)
    // Known also where nobody tries to write.
    if (count === 0 && fault === 'read_only' && isReadOnly) return [finding(severity, code, `${words}.`)]
    return count === 0 ? [] : [finding(severity, code, `${words} (${counted(count, 'time')} in 10 s).`)]
  })
}

function drops({ times }: Facts): Finding | null {
  const count = times('database:lost')
  return count < lostAtLeast
    ? null
    : finding(
        'warning',
        'database-drops-connections',
        `${counted(count, 'connection')} to Postgres broke in 10 s: it restarts, somebody ends them, or the network does.`,
      )
}

/** The pool could not grow as it is set to. */
function fewLeft({ database: { server }, pool: { size, maxOverflow, open } }: Facts): Finding | null {
  const wanted = size + maxOverflow - open
  if (server === null || wanted <= 0 || server.free >= Math.min(wanted, 5)) return null
  return finding(
    'warning',
    'database-connections-nearly-used-up',
    `Postgres has ${server.free} of ${server.maxConnections} connections left, and the pool may open ${wanted} more: raise max_connections, or lower POOL_SIZE and POOL_MAX_OVERFLOW.`,
  )
}

/** It answers, yet searches do not end, and nothing says why. */
function late(facts: Facts): Finding | null {
  if (!isStuck(facts)) return null
  const count = facts.times('deadline:retrieve')
  // Where this process comes late to its own work, so does every reply.
  return finding(
    facts.process.lateMs >= lateMs ? 'warning' : 'critical',
    'database-slow',
    `${counted(count, 'search', 'searches')} ran out of time in 10 s, while Postgres answers; its breaker is ${facts.breakers.database ?? 'none'}.`,
  )
}

/** Loaded before there was a bound: they are answered from as ever, and cannot be loaded again as they are. */
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
    `${many} more than 16 kB of metadata, from before that was the most: it takes room in every answer that quotes them, and they are refused when they are loaded again.`,
  )
}
