import type { AskFacts, AskObserver } from '../ask/observer.ts'
import type { Answer, Question } from '../ask/terms.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { ObservedQuestion } from '../monitoring/figures/slow-questions.ts'
import type { Monitoring } from './monitoring.ts'

interface Subscribers {
  readonly metrics: Metrics
  readonly monitoring: Pick<Monitoring, 'slow'> | null
}

/** Passes outcomes of questions to the metrics and the list of slow questions. */
export function createAskObserver({ metrics, monitoring }: Subscribers): AskObserver {
  return {
    answered(question, answer, facts) {
      metrics.answered(answer, facts.ms / 1000, facts)
      // The duration of a cached answer says nothing about its question.
      const { status } = answer.cache
      if (status === 'miss' || status === 'bypass') monitoring?.slow.note(observed(question, answer, facts))
    },
    searched: (_, result, facts) => metrics.searched(result, facts.ms / 1000, facts),
    failed(question, code, facts) {
      metrics.failed(code, facts)
      if (facts.operation === 'ask') monitoring?.slow.note(observed(question, null, facts))
    },
  }
}

function observed(
  question: Question,
  answer: Answer | null,
  { ms, timings, loggedTraceId }: AskFacts,
): ObservedQuestion {
  const { mode = null, language = null } = answer ?? {}
  return { question, mode, language, ms, timings, ...(loggedTraceId !== undefined && { traceId: loggedTraceId }) }
}
