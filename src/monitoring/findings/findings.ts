/** Whose doing it is. `limits`: of this service's own settings; `clients`: of who asks; `traffic`: of how much is asked. */
export type Culprit =
  'database' | 'pool' | 'redis' | 'chat' | 'embeddings' | 'rerank' | 'limits' | 'process' | 'clients' | 'traffic'

/** `info`: worth knowing, nobody is worse off; `warning`: answers lack something or some are late; `critical`: questions go unanswered. */
export type Severity = 'info' | 'warning' | 'critical'

/** Something that is so now, and what shows it. `code` is stable, for alerts and for the runbook. */
export interface Finding {
  readonly culprit: Culprit
  readonly severity: Severity
  readonly code: string
  /** One sentence, with figures; no question's text and no secret. */
  readonly detail: string
}

export type PoolVerdict = 'ok' | 'strained' | 'exhausted' | 'down'
export type ServiceVerdict = 'ok' | 'degraded' | 'failing'

/** How the service fares, and why. */
export interface Verdict {
  readonly verdict: ServiceVerdict
  readonly findings: readonly Finding[]
}

export const poolVerdicts: readonly PoolVerdict[] = ['ok', 'strained', 'exhausted', 'down']
export const serviceVerdicts: readonly ServiceVerdict[] = ['ok', 'degraded', 'failing']

const gravity: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }
/** Who makes others look bad comes first. */
const causes: readonly Culprit[] = [
  'process',
  'database',
  'chat',
  'embeddings',
  'rerank',
  'redis',
  'pool',
  'traffic',
  'limits',
  'clients',
]

/** The gravest first, and of those the likeliest cause of the others. */
export function inOrder(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) => gravity[a.severity] - gravity[b.severity] || causes.indexOf(a.culprit) - causes.indexOf(b.culprit),
  )
}

export function isGraver(one: Severity, other: Severity): boolean {
  return gravity[one] < gravity[other]
}

export function isGrave({ severity }: Finding): boolean {
  return severity !== 'info'
}

/** "1 request", "2 requests". */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}

export function inSeconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
