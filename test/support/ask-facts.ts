import type { AskFacts } from '../../src/ask/terms/run.ts'

/** What is known about a question that took a second, with what a test says. */
export function factsOf(own: Partial<AskFacts> = {}): AskFacts {
  return {
    operation: 'ask',
    id: 'an-id',
    key: undefined,
    priority: 'interactive',
    loggedTraceId: undefined,
    steps: 0,
    isOverdue: false,
    ms: 1000,
    timings: { total: 1000 },
    ...own,
  }
}
