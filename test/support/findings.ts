/** A finding as GET /monitoring/pool-status has it. */
export interface Found {
  readonly culprit: string
  readonly code: string
  readonly severity: string
  readonly detail: string
}

/** What any service finds that gets no time to run for a second: it is late, and so is all that waits for it. */
const ofTheMachine = new Set(['event-loop-blocked', 'process-stood-still', 'pool-waits', 'database-slow', 'redis-slow'])

/**
 * The findings that are the test's own doing. Whoever shares the machine may keep the service from running, which it then
 * finds, and rightly: a test that has provoked something else asserts about these, and about verdicts with {@link isOk}.
 */
export function provoked(findings: readonly Found[]): Found[] {
  return findings.filter(({ code }) => !ofTheMachine.has(code))
}

/** Nothing is wrong but what the machine adds; where it adds nothing, the verdict has to be `ok`. */
export function isOk({ verdict, findings }: { readonly verdict: string; readonly findings: readonly Found[] }): boolean {
  const grave = findings.filter(({ severity }) => severity !== 'info')
  return grave.length === 0 ? verdict === 'ok' : provoked(grave).length === 0
}
