import type { RunLog } from '../../ask/terms.ts'
import { diagnose, type Diagnosis } from './diagnose.ts'
import type { Facts } from './facts.ts'
import { type Finding, type PoolVerdict, type ServiceVerdict, type Severity } from './findings.ts'
import { createHysteresis, createFindingLog } from './hysteresis.ts'

export interface MonitorOptions {
  /** Asks nobody. */
  readonly collect: () => Facts
  /** Before each look: what must be looked at every so often. */
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
 * Looks at the facts twice a second, also when nobody asks, and logs what turns: a line for each finding that begins and
 * ends, and one for each verdict. .1 ms a look.
 */
export function createMonitor({ collect, onBeat = () => {}, log, now = () => performance.now() }: MonitorOptions) {
  const turned = createFindingLog(now)
  const poolTurned = createHysteresis<PoolVerdict>('ok', now)
  const serviceTurned = createHysteresis<ServiceVerdict>('ok', now)
  const timer = setInterval(beat, beatMs).unref()

  /** As of now. */
  function look(): Seen {
    const facts = collect()
    return { ...diagnose(facts), facts }
  }

  function beat(): void {
    onBeat()
    const { pool, reasons, service, findings } = look()
    const { begun, ended } = turned(findings)
    for (const { culprit, code, severity, detail } of begun) log[levels[severity]]({ culprit, code, severity }, detail)
    for (const {
      finding: { culprit, code },
      ms,
    } of ended)
      log.info({ culprit, code, ms: Math.round(ms) }, `${code}: resolved`)
    tellVerdict('pool', pool, poolTurned(pool), reasons)
    tellVerdict('service', service, serviceTurned(service), findings)
  }

  function tellVerdict(
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

export type Monitor = ReturnType<typeof createMonitor>
