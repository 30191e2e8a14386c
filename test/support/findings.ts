/** A finding as GET /monitoring/pool-status has it. */
export interface Found {
  readonly culprit: string
  readonly code: string
  readonly severity: string
  readonly detail: string
}

/** What any service finds when the machine keeps it from running for a second: it is late, and so is all that waits for it. */
const ofTheMachine = new Set([
  'event-loop-blocked',
  'process-stood-still',
  'pool-waits',
  'database-slow',
  'redis-slow',
  'embeddings-slow',
  'chat-slow',
  'rerank-slow',
  // Advice for the same.
  'event-loop-late',
  'pool-too-small',
  'embedded-database-busy',
  'connections-held-long',
  'model-slow',
  'embedding-slow',
])

/** `code` is that of a finding, or the id of a recommendation. */
export function isOfTheMachine(code: string): boolean {
  return ofTheMachine.has(code)
}

/**
 * The findings that the test itself has provoked. Other processes may keep the service from running, and it then reports
 * that, rightly. Assert on these instead of on all findings, and on verdicts with {@link isOk}.
 */
export function provoked(findings: readonly Found[]): Found[] {
  return findings.filter(({ code }) => !isOfTheMachine(code))
}

/** True if nothing is wrong but what the machine adds. Where it adds nothing, the verdict must be `ok`. */
export function isOk({
  verdict,
  findings,
}: {
  readonly verdict: string
  readonly findings: readonly Found[]
}): boolean {
  const grave = findings.filter(({ severity }) => severity !== 'info')
  return grave.length === 0 ? verdict === 'ok' : provoked(grave).length === 0
}
