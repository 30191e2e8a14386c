import { isMoreSevere, type Finding, type Severity } from './findings.ts'

/** A finding must be present this long before it is reported, and absent this long before its end is: no flapping. */
const presentMs = 1000
const absentMs = 3000

export interface FindingChanges {
  readonly started: readonly Finding[]
  /** `ms` is how long the finding lasted. */
  readonly ended: readonly { readonly finding: Finding; readonly ms: number }[]
}

interface Tracked {
  finding: Finding
  readonly since: number
  seenAt: number
  /** Null when it was not reported yet. */
  reported: Severity | null
}

/** Reports the start and the end of each finding once. A finding that becomes more severe is reported again. */
export function createFindingLog(now: () => number) {
  const tracked = new Map<string, Tracked>()

  function changes(findings: readonly Finding[]): FindingChanges {
    const at = now()
    for (const finding of findings) track(finding, at)
    const started = [...tracked.values()].filter(
      ({ finding, since, seenAt, reported }) =>
        seenAt === at && at - since >= presentMs && (reported === null || isMoreSevere(finding.severity, reported)),
    )
    for (const each of started) each.reported = each.finding.severity
    const over = [...tracked].filter(([, { seenAt, reported }]) =>
      reported === null ? seenAt !== at : at - seenAt >= absentMs,
    )
    for (const [key] of over) tracked.delete(key)
    const ended = over
      .filter(([, { reported }]) => reported !== null)
      .map(([, { finding, since, seenAt }]) => ({ finding, ms: seenAt - since }))
    return { started: started.map(({ finding }) => finding), ended }
  }

  function track(finding: Finding, at: number): void {
    const known = tracked.get(finding.code)
    if (known === undefined) tracked.set(finding.code, { finding, since: at, seenAt: at, reported: null })
    else Object.assign(known, { finding, seenAt: at })
  }

  return changes
}

/** Debounces a verdict: a new one counts once it has been stable for a second. */
export function createHysteresis<Verdict extends string>(first: Verdict, now: () => number) {
  let current = first
  let next: { readonly verdict: Verdict; readonly since: number } | null = null

  /** Returns the previous verdict when it changes, else null. */
  return (verdict: Verdict): Verdict | null => {
    if (verdict === current) next = null
    else if (next?.verdict !== verdict) next = { verdict, since: now() }
    if (next === null || now() - next.since < presentMs) return null
    const before = current
    current = next.verdict
    next = null
    return before
  }
}
