/** A finding of GET /monitoring/pool-status. */
export interface Finding {
  readonly culprit: string
  readonly code: string
  readonly severity: string
  readonly detail: string
}

/**
 * Findings of any service that the machine keeps from running for a second, because everything it waits for is late.
 */
const ofTheMachine = new Set([
  'event-loop-blocked',
  'process-stood-still',
  'pool-waits',
  'database-slow',
  'redis-slow',
  'embeddings-slow',
  'chat-slow',
  'rerank-slow',
  // Recommendations with that cause.
  'event-loop-late',
  'pool-too-small',
  'embedded-database-busy',
  'connections-held-long',
  'model-slow',
  'embedding-slow',
])

/** `code` is the code of a finding or the id of a recommendation. */
export function isOfTheMachine(code: string): boolean {
  return ofTheMachine.has(code)
}

/**
 * The findings that the test itself has provoked. If other processes keep the service from running, it reports that
 * too, correctly. Assert on these instead of on all findings, and on verdicts with {@link isOk}.
 */
export function provoked(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ code }) => !isOfTheMachine(code))
}

/** True if all findings are caused by the machine. Without such findings, the verdict must be `ok`. */
export function isOk({
  verdict,
  findings,
}: {
  readonly verdict: string
  readonly findings: readonly Finding[]
}): boolean {
  const grave = findings.filter(({ severity }) => severity !== 'info')
  return grave.length === 0 ? verdict === 'ok' : provoked(grave).length === 0
}
