import { isGraver, type Finding, type Severity } from './findings.ts'

/** A finding must hold so long before it is told, and be gone so long before that is: nothing flaps. */
const holdMs = 1000
const goneMs = 3000

export interface Turned {
  readonly begun: readonly Finding[]
  /** `ms`: how long it lasted. */
  readonly ended: readonly { readonly finding: Finding; readonly ms: number }[]
}

interface Held {
  finding: Finding
  readonly since: number
  seenAt: number
  /** Null: not yet. */
  told: Severity | null
}

/** Which findings begin and end, told once each; one that becomes graver is told again. */
export function createFindingLog(now: () => number) {
  const held = new Map<string, Held>()

  function turned(findings: readonly Finding[]): Turned {
    const at = now()
    for (const finding of findings) note(finding, at)
    const begun = [...held.values()].filter(
      ({ finding, since, seenAt, told }) =>
        seenAt === at && at - since >= holdMs && (told === null || isGraver(finding.severity, told)),
    )
    for (const each of begun) each.told = each.finding.severity
    const over = [...held].filter(([, { seenAt, told }]) => (told === null ? seenAt !== at : at - seenAt >= goneMs))
    for (const [key] of over) held.delete(key)
    const ended = over
      .filter(([, { told }]) => told !== null)
      .map(([, { finding, since, seenAt }]) => ({ finding, ms: seenAt - since }))
    return { begun: begun.map(({ finding }) => finding), ended }
  }

  function note(finding: Finding, at: number): void {
    const known = held.get(finding.code)
    if (known === undefined) held.set(finding.code, { finding, since: at, seenAt: at, told: null })
    else Object.assign(known, { finding, seenAt: at })
  }

  return turned
}

/** A verdict, once it has held. */
export function createHysteresis<Verdict extends string>(first: Verdict, now: () => number) {
  let told = first
  let next: { readonly verdict: Verdict; readonly since: number } | null = null

  /** The verdict before; null: it did not turn. */
  return (verdict: Verdict): Verdict | null => {
    if (verdict === told) next = null
    else if (next?.verdict !== verdict) next = { verdict, since: now() }
    if (next === null || now() - next.since < holdMs) return null
    const before = told
    told = next.verdict
    next = null
    return before
  }
}
