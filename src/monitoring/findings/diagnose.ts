import { diagnoseBudgets } from './diagnose-budgets.ts'
import { diagnoseDatabase } from './diagnose-database.ts'
import { diagnoseModels } from './diagnose-models.ts'
import { diagnosePool } from './diagnose-pool.ts'
import type { Facts } from './facts.ts'
import {
  counted,
  inSeconds,
  isProblem,
  sortFindings,
  type Finding,
  type PoolVerdict,
  type ServiceVerdict,
} from './findings.ts'

/** The diagnosis of one moment. */
export interface Diagnosis {
  readonly pool: PoolVerdict
  /** The findings about the pool and its server. */
  readonly reasons: readonly Finding[]
  readonly service: ServiceVerdict
  /** The most severe first. */
  readonly findings: readonly Finding[]
}

/** Pure: the findings depend only on the facts. */
export function diagnose(facts: Facts): Diagnosis {
  const causes = [
    ...diagnoseDatabase(facts),
    ...diagnoseModels(facts),
    ...diagnoseBudgets(facts),
    ...diagnoseRedis(facts),
    ...diagnoseProcess(facts),
    ...diagnoseWorkers(facts),
    ...diagnoseRecords(facts),
    ...diagnosePool(facts),
  ]
  const findings = sortFindings([...causes, ...diagnoseTraffic(facts, causes), ...diagnoseClients(facts)])
  const reasons = findings.filter(({ culprit }) => culprit === 'database' || culprit === 'pool')
  return { pool: poolVerdict(facts, reasons), reasons, service: serviceVerdict(findings), findings }
}

function poolVerdict({ database }: Facts, reasons: readonly Finding[]): PoolVerdict {
  if (database.isDown) return 'down'
  if (reasons.some(({ code }) => code === 'pool-exhausted')) return 'exhausted'
  return reasons.some(isProblem) ? 'strained' : 'ok'
}

function serviceVerdict(findings: readonly Finding[]): ServiceVerdict {
  if (findings.some(({ severity }) => severity === 'critical')) return 'failing'
  return findings.some(isProblem) ? 'degraded' : 'ok'
}

const lateRepliesAtLeast = 3

function diagnoseRedis({ redis, redisOutage, times }: Facts): Finding[] {
  const finding = (code: string, detail: string): Finding[] => [{ culprit: 'redis', severity: 'warning', code, detail }]
  const meanwhile = 'Until it recovers, each process uses only its own memory and counts rate limits separately.'
  if (redis === 'off') return []
  if (redis === 'deaf' || redisOutage === 'silent')
    return finding(
      'redis-silent',
      `Redis accepts connections but does not respond: it is frozen or cut off; check the server and the network. ${meanwhile}`,
    )
  if (redisOutage === 'refuses')
    return finding(
      'redis-refuses',
      `Redis rejected our credentials or the database; check the user, password and database number in REDIS_URL. ${meanwhile}`,
    )
  if (redis !== 'ready')
    return finding(
      'redis-gone',
      `Redis cannot be reached (connection state: ${redis}): it is stopped, or REDIS_URL is wrong. ${meanwhile}`,
    )
  const [full, late, lost] = [times('redis:full'), times('redis:timeout'), times('redis lost')]
  if (full > 0)
    return finding(
      'redis-full',
      `Redis is out of memory and rejected ${counted(full, 'command')} in the last 10 s; raise maxmemory, or set maxmemory-policy to evict.`,
    )
  if (lost > 0)
    return finding(
      'redis-reconnected',
      `The connection to Redis was lost ${counted(lost, 'time')} in the last 10 s and is back: Redis was restarted, or the network failed; cached data may be gone.`,
    )
  return late < lateRepliesAtLeast
    ? []
    : finding(
        'redis-slow',
        `${counted(late, 'Redis command')} timed out in the last 10 s; check the server, or raise REDIS_TIMEOUT_MS.`,
      )
}

const lateMs = 1000
const fullHeap = 0.85
/** How long the end of a worker is reported. */
const killedMs = 10 * 60_000

function diagnoseWorkers({ workers: { killed, killedAgoMs } }: Facts): Finding[] {
  if (killedAgoMs === null || killedAgoMs > killedMs) return []
  return [
    {
      culprit: 'process',
      severity: 'warning',
      code: 'worker-killed',
      detail: `A worker process was killed ${Math.round(killedAgoMs / 60_000)} min ago and replaced (${counted(killed, 'time')} since the start); if nobody killed it, the kernel ran out of memory: lower WORKERS or ANSWER_CACHE_MB, or give the container more memory.`,
    },
  ]
}

/** How long a loss of log lines or spans is reported. */
const lossMs = 60_000

/** What others are to know about the service and does not reach them. Answers do not suffer. */
function diagnoseRecords({ log, traces }: Facts): Finding[] {
  const found: Finding[] = []
  const add = (code: string, detail: string) => void found.push({ culprit: 'process', severity: 'info', code, detail })
  if (log.lostAgoMs !== null && log.lostAgoMs < lossMs)
    add(
      'log-lost',
      `${counted(log.lost, 'log line')} could not be written: the reader of stdout does not read, or the disk is full; check the log driver or the disk.`,
    )
  if (traces.lastLoss !== null && traces.lastLoss.agoMs < lossMs)
    add(
      'traces-lost',
      `Traces are lost (${counted(traces.lost.queue_full + traces.lost.not_delivered, 'span')} since the start): the collector ${traces.lastLoss.cause}; check OTEL_EXPORTER_OTLP_ENDPOINT and the collector.`,
    )
  return found
}

function diagnoseProcess({ process: { lateMs: late, wasBusy, heapShare }, isDraining, times }: Facts): Finding[] {
  const found: Finding[] = []
  const add = (severity: Finding['severity'], code: string, detail: string) =>
    void found.push({ culprit: 'process', severity, code, detail })
  const [loop, heap, internal] = [times('shed:loop'), times('shed:heap'), times('failed:internal')]
  if (isDraining) add('info', 'draining', 'The process is shutting down and finishing the requests that are running.')
  if (loop > 0 || (late >= lateMs && wasBusy)) {
    add(
      loop > 0 ? 'critical' : 'warning',
      'event-loop-blocked',
      `The event loop was up to ${inSeconds(late)} late in the last 10 s because the process was busy; ${counted(loop, 'request was', 'requests were')} rejected because of it.`,
    )
  } else if (late >= lateMs) {
    add(
      'warning',
      'process-stood-still',
      `The process did not run for ${inSeconds(late)} within the last 10 s: it was suspended, or the machine gave it no CPU time; check the load of the machine.`,
    )
  }
  if (heap > 0 || heapShare >= fullHeap)
    add(
      heap > 0 ? 'critical' : 'warning',
      'memory-nearly-used-up',
      `${Math.round(heapShare * 100)} % of the Node.js heap limit is in use, ${counted(heap, 'request was', 'requests were')} rejected because of it in the last 10 s; lower ANSWER_CACHE_MB, or give Node.js more memory.`,
    )
  if (internal > 0)
    add(
      'warning',
      'internal-errors',
      `${counted(internal, 'question')} failed with an unexpected error in the last 10 s; see the log.`,
    )
  return found
}

const limiterReasons = ['queue', 'wait', 'time', 'overdue'] as const
const refusedAtLeast = 3
const criticalShare = 0.5
/** Culprits that fill the queues when they are slow. */
const queueFillers = new Set(['database', 'chat', 'embeddings', 'process'])

function askedLately({ times }: Facts): number {
  return times('requests') - times('rejected')
}

/** A slow or unavailable server fills the queues too. In that case it is the cause, and the overload only a symptom. */
function diagnoseTraffic(facts: Facts, causes: readonly Finding[]): Finding[] {
  const { times, limiter } = facts
  const found: Finding[] = []
  const refused = limiterReasons.reduce((sum, reason) => sum + times(`refused:${reason}`), 0)
  const asked = Math.max(askedLately(facts), refused)
  if (refused >= refusedAtLeast) {
    const isCause = !causes.some(each => isProblem(each) && queueFillers.has(each.culprit))
    const severity = isCause ? (refused > criticalShare * asked ? 'critical' : 'warning') : 'info'
    found.push({
      culprit: 'traffic',
      severity,
      code: 'overload',
      detail: `Overloaded: ${refused} of ${asked} questions rejected in the last 10 s; ${limiter.inFlight} of ${limiter.limit} searches in progress, ${limiter.waiting} queued.`,
    })
  }
  const [batch, byAddress, byKey] = [times('refused:evicted'), times('limited:address'), times('limited:key')]
  if (batch > 0)
    found.push({
      culprit: 'limits',
      severity: 'info',
      code: 'batch-refused',
      detail: `${counted(batch, 'question was', 'questions were')} rejected in the last 10 s to make room for interactive ones, or for callers that ask less.`,
    })
  if (byAddress + byKey >= refusedAtLeast)
    found.push({
      culprit: 'limits',
      severity: 'info',
      code: 'rate-limited',
      detail: `${counted(byAddress + byKey, 'request')} exceeded a rate limit in the last 10 s: ${byAddress} by address (RATE_LIMIT), ${byKey} by key (KEY_RATE_LIMIT, or the key's rate_limit).`,
    })
  return found
}

const leaversAtLeast = 5
const leaverShare = 0.1
const silentAtLeast = 50
const tricklingAtLeast = 20
const nearlyAll = 0.8

function diagnoseClients(facts: Facts): Finding[] {
  const {
    times,
    connections: { open, max, silent, trickling },
  } = facts
  const found: Finding[] = []
  const add = (code: string, detail: string, severity: Finding['severity'] = 'info') =>
    void found.push({ culprit: 'clients', severity, code, detail })
  const [left, cut] = [times('failed:cancelled'), times('unparsed:request_timeout')]
  if (left >= leaversAtLeast && left >= leaverShare * askedLately(facts))
    add(
      'clients-leave',
      `${left} of ${askedLately(facts)} clients disconnected before they got their answer in the last 10 s.`,
    )
  if (silent >= silentAtLeast)
    add(
      'clients-say-nothing',
      `${silent} of ${open} connections sent nothing in their first 2 s; ${cut} timed out in the last 10 s.`,
    )
  if (trickling >= tricklingAtLeast)
    add(
      'clients-trickle',
      `${trickling} of ${open} connections have been sending one request for 2 s or more; ${cut} timed out in the last 10 s.`,
    )
  if (open >= nearlyAll * max)
    add(
      'connections-nearly-used-up',
      `${open} of MAX_CONNECTIONS=${max} connections are open; connections above that limit are closed at once.`,
      'warning',
    )
  return found
}
