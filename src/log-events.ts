import type { Logger } from 'pino'
import type { Subscriber } from './events.ts'
import type { RefusedBy } from './resilience/limiter.ts'

/** Logs what an operator must know besides the requests: a dependency that changed, or that something was lost. */
export function logEvents(log: Logger): Subscriber {
  const countRefusal = refusalLog(log)
  return {
    runRefused: (_priority, reason) => countRefusal(reason),
    breakerChanged(dependency, now, before, fault) {
      const fields = { dependency, culprit: dependency }
      // Half-open lasts one request and is only in the metrics.
      if (now === 'open' && before === 'closed')
        log.warn({ ...fields, code: 'breaker-open', fault }, `${dependency}: circuit breaker opened`)
      if (now === 'closed') log.info({ ...fields, code: 'breaker-closed' }, `${dependency}: circuit breaker closed`)
    },
    connectionOverdue: (label, limitMs) =>
      log.error({ label, limitMs }, 'a database connection was held too long: its query was cancelled'),
    loginsChanged(rejection) {
      if (rejection)
        log.error(
          { dependency: 'database', err: rejection },
          'Postgres rejected our credentials; check the user, password and database in DATABASE_URL, and the CONNECT privilege',
        )
      else log.info({ dependency: 'database' }, 'Postgres accepts our credentials again')
    },
    writesChanged(isWritable) {
      if (isWritable) log.info({ dependency: 'database' }, 'Postgres accepts writes again')
      else
        log.warn(
          { dependency: 'database', code: 'database-read-only' },
          'Postgres accepts no writes (a standby, or read-only): questions are answered; to store documents, point DATABASE_URL at the primary',
        )
    },
    databaseReplaced: err =>
      log.warn(
        { dependency: 'database', code: 'database-replaced', err },
        'the database was replaced under open connections, for example by a restore: all connections are reopened',
      ),
    historyLost: ({ name, epoch }, before) =>
      log.warn(
        { collection: name, epoch, before: before.epoch },
        'the collection went back to an earlier epoch: the database was restored, or lost its last writes; answers cached since then are no longer served',
      ),
    dailyBudgetReached({ scope, name, unit, used, limit, resetsAt }, share) {
      const fields = { scope, ...(name !== null && { name }), unit, used, limit, resetsAt }
      if (share < 1)
        log.warn(
          { ...fields, code: 'budget-nearly-used-up' },
          `${share * 100} % of a daily budget is used; once all of it is, its questions get quoted sentences until midnight UTC`,
        )
      else
        log.warn(
          { ...fields, code: 'budget-used-up' },
          'a daily budget is used up: its questions get quoted sentences until midnight UTC; raise the budget to end that sooner',
        )
    },
    backendLimited: (address, sign) =>
      log.warn(
        { code: 'backend-limited', address, sign },
        'rate limit: this address looks like a backend, whose users share one limit; give it an API key (npx askwell key new --name NAME), or set TRUST_PROXY if it is a proxy',
      ),
    documentLost: ({ source, by, reason }) => log.warn({ source, by, reason }, 'a document could not be prepared'),
  }
}

/** Under overload, questions are rejected by the thousand: one line a second counts them. */
function refusalLog(log: Logger): (reason: RefusedBy) => void {
  let counts: Partial<Record<RefusedBy, number>> | null = null
  return reason => {
    if (counts) counts[reason] = (counts[reason] ?? 0) + 1
    else {
      counts = { [reason]: 1 }
      setTimeout(() => {
        const rejected = Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0)
        log.warn({ code: 'overloaded', rejected, reasons: counts }, 'overloaded: questions rejected')
        counts = null
      }, 1000).unref()
    }
  }
}
