import type { RunLog } from '../../ask/terms/run.ts'
import { diagnose, type Diagnosis } from './diagnose.ts'
import type { Facts } from './facts.ts'
import { type Finding, type PoolVerdict, type ServiceVerdict, type Severity } from './findings.ts'
import { createHysteresis, createFindingLog } from './hysteresis.ts'

export interface MonitorOptions {
  /** Must not call any dependency. */
  readonly collect: () => Facts
  /** Called before each diagnosis, for what must be sampled regularly. */
  readonly onBeat?: () => void
  readonly log: RunLog
  readonly now?: () => number
}

export interface Seen extends Diagnosis {
  readonly facts: Facts
}

export const beatMs = 500

const levels: Readonly<Record<Severity, 'info' | 'warn' | 'error'>> = {
  info: 'info',
  warning: 'warn',
  critical: 'error',
}
const verdictLevels: Readonly<Record<PoolVerdict | ServiceVerdict, 'info' | 'warn' | 'error'>> = {
  ok: 'info',
  strained: 'warn',
  exhausted: 'error',
  down: 'error',
  degraded: 'warn',
  failing: 'error',
}

/**
 * Diagnoses the service twice per second, even if no client asks, and logs the changes: one line when a finding starts
 * or ends, and one per changed verdict. A diagnosis takes 0.1 ms.
 */
export function createMonitor({ collect, onBeat = () => {}, log, now = () => performance.now() }: MonitorOptions) {
  const changedFindings = createFindingLog(now)
  const changedPool = createHysteresis<PoolVerdict>('ok', now)
  const changedService = createHysteresis<ServiceVerdict>('ok', now)
  const timer = setInterval(beat, beatMs).unref()

  /** The current diagnosis. */
  function look(): Seen {
    const facts = collect()
    return { ...diagnose(facts), facts }
  }

  function beat(): void {
    onBeat()
    const { pool, reasons, service, findings } = look()
    const { started, ended } = changedFindings(findings)
    for (const { culprit, code, severity, detail } of started)
      log[levels[severity]]({ culprit, code, severity }, detail)
    for (const {
      finding: { culprit, code },
      ms,
    } of ended)
      log.info({ culprit, code, ms: Math.round(ms) }, `${code}: resolved`)
    logVerdict('pool', pool, changedPool(pool), reasons)
    logVerdict('service', service, changedService(service), findings)
  }

  function logVerdict(
    of: 'pool' | 'service',
    verdict: PoolVerdict | ServiceVerdict,
    before: string | null,
    [first]: readonly Finding[],
  ): void {
    if (before === null) return
    const why = verdict === 'ok' || first === undefined ? {} : { culprit: first.culprit, code: first.code }
    log[verdictLevels[verdict]]({ verdict: of, is: verdict, was: before, ...why }, `${of}: ${verdict}`)
  }

  return { look, beat, stop: () => clearInterval(timer) }
}
