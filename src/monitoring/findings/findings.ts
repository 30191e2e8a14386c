/** The cause. `limits`: settings of this service; `clients`: behavior of clients; `traffic`: the amount of requests. */
export type Culprit =
  'database' | 'pool' | 'redis' | 'chat' | 'embeddings' | 'rerank' | 'limits' | 'process' | 'clients' | 'traffic'

/**
 * - `info`: worth knowing, without effect on answers
 * - `warning`: answers are degraded, or some are late
 * - `critical`: questions go unanswered
 */
export type Severity = 'info' | 'warning' | 'critical'

/** A current condition and its evidence. `code` is stable, for alerts and the runbook. */
export interface Finding {
  readonly culprit: Culprit
  readonly severity: Severity
  readonly code: string
  /** What happened, with figures, and what to do. Never the text of a question or a secret. */
  readonly detail: string
}

export type PoolVerdict = 'ok' | 'strained' | 'exhausted' | 'down'
export type ServiceVerdict = 'ok' | 'degraded' | 'failing'

/** The state of the service, and the reasons. */
export interface Verdict {
  readonly verdict: ServiceVerdict
  readonly findings: readonly Finding[]
}

export const poolVerdicts: readonly PoolVerdict[] = ['ok', 'strained', 'exhausted', 'down']
export const serviceVerdicts: readonly ServiceVerdict[] = ['ok', 'degraded', 'failing']

const severityRank: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }
/** Likely causes before their likely effects. */
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

/** Sorts by severity, then by how likely a finding is the cause of the others. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return findings.toSorted(
    (a, b) =>
      severityRank[a.severity] - severityRank[b.severity] || causes.indexOf(a.culprit) - causes.indexOf(b.culprit),
  )
}

export function isMoreSevere(one: Severity, other: Severity): boolean {
  return severityRank[one] < severityRank[other]
}

export function isProblem({ severity }: Finding): boolean {
  return severity !== 'info'
}

/** "1 request", "2 requests". */
export function counted(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`
}

export function inSeconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
