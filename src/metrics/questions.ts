import type { Degraded } from '../ask/terms/answer.ts'
import type { AskFacts } from '../ask/terms/run.ts'
import type { Usage } from '../ask/terms/usage.ts'
import type { Subscriber } from '../events.ts'
import { errorTable } from '../errors.ts'
import type { Kit } from './kit.ts'

/** Questions: latency, outcome and cost. */

const reasons: readonly Degraded[] = [
  'budget',
  'cache',
  'capacity',
  'database',
  'embeddings',
  'generation',
  'grounding',
  'rerank',
]
const levels = ['interactive', 'batch'] as const
const codes = Object.keys(errorTable)

/** `time`: the deadline of the question or a stage; `tokens`: space in the prompt or the answer; `calls`: retries. */
const budgets = ['time', 'tokens', 'calls'] as const

/** `refused`: rejected untried because of load. Errors of the caller are in none of these. */
type Served = 'whole' | 'degraded' | 'refused' | 'failed'
const served: readonly Served[] = ['whole', 'degraded', 'refused', 'failed']

/** The last bucket is above what the pipeline needs, so that a question that needs more is visible. */
const callBuckets = [0, 1, 2, 3, 4, 6]
const stepBuckets = [0, 1, 2, 3, 4, 6, 8]
const tokenBuckets = [0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000]

export function questionMetrics(kit: Kit): Subscriber {
  const latency = kit.histogram('request_latency_seconds', 'Time from a question to its complete answer.', {
    labels: ['mode', 'cache'],
  })
  const fast = kit.histogram(
    'fast_path_latency_seconds',
    'Time from a question to its complete answer, if no model rephrased the question.',
  )()
  const smart = kit.histogram(
    'smart_path_latency_seconds',
    'Time from a question to its complete answer, if a model rephrased the question.',
  )()
  const searching = kit.histogram('search_latency_seconds', 'Time from a question to its passages in POST /search.', {
    labels: ['mode', 'near'],
  })
  const answers = kit.counter('answers_total', 'Answers returned.', {
    generator: ['llm', 'extractive', 'none'],
    abstained: ['false', 'true'],
  })
  const smallTalk = kit.counter('smalltalk_total', 'Replies to greetings, thanks and goodbyes, which are no answers.')()
  const failures = kit.counter('failures_total', 'Questions that ended in an error, by code.', { code: codes })
  const degraded = kit.counter('degraded_total', 'Degraded answers and searches, by what was missing.', {
    reason: reasons,
  })
  const countUsage = usageMetrics(kit)
  const steps = kit.histogram(
    'agent_steps_per_request',
    'Model steps per question: condensing a follow-up, rephrasing, reranking, answer generation.',
    { buckets: stepBuckets },
  )()
  const exceeded = kit.counter(
    'request_budget_exceeded_total',
    'Times a question exhausted a budget: time (its deadline or that of a stage), tokens (prompt or answer truncated), calls (no retry left).',
    { budget: budgets },
  )
  const qos = kit.counter(
    'qos_level_requests_total',
    'Questions by priority and outcome: whole (complete), degraded, refused (rejected untried), failed (error).',
    { level: levels, served },
  )

  function countDegraded({ degraded: missing }: { readonly degraded: readonly Degraded[] }): void {
    for (const reason of missing) degraded(reason).add()
  }

  function countOverdue({ isOverdue }: Pick<AskFacts, 'isOverdue'>): void {
    if (isOverdue) exceeded('time').add()
  }

  return {
    questionAnswered(_, answer, facts) {
      const { traceId, ms } = facts
      const seconds = ms / 1000
      latency(answer.mode, answer.cache.status).observe(seconds, traceId)
      ;(answer.mode === 'fast' ? fast : smart).observe(seconds, traceId)
      if (answer.isSmallTalk) smallTalk.add()
      else answers(answer.generator, answer.abstained ? 'true' : 'false').add()
      qos(facts.priority, answer.degraded.length === 0 ? 'whole' : 'degraded').add()
      steps.observe(facts.steps, traceId)
      countDegraded(answer)
      countUsage(answer.usage, traceId)
      countOverdue(facts)
    },
    passagesFound(_, result, facts) {
      searching(result.mode, String(result.isRelevant)).observe(facts.ms / 1000, facts.traceId)
      qos(facts.priority, result.degraded.length === 0 ? 'whole' : 'degraded').add()
      countDegraded(result)
      countUsage(result.usage)
      countOverdue(facts)
    },
    questionFailed(_, code, facts) {
      failures(code).add()
      const outcome = servedOf(code)
      if (outcome) qos(facts.priority, outcome).add()
      countOverdue({ isOverdue: facts.isOverdue || code === 'deadline_exceeded' })
    },
    budgetExceeded: budget => exceeded(budget).add(),
  }
}

/** Model calls and tokens, in total and per question. */
function usageMetrics(kit: Kit): (usage: Usage, traceId?: string) => void {
  const tokens = kit.counter('llm_tokens_total', 'Tokens read and written by the chat model.', {
    kind: ['prompt', 'completion'],
  })
  const [promptTokens, completionTokens] = [tokens('prompt'), tokens('completion')]
  const calls = kit.histogram('llm_calls_per_request', 'Chat model calls per question.', { buckets: callBuckets })()
  const tokensEach = kit.histogram('tokens_per_request', 'Tokens read and written by the chat model per question.', {
    buckets: tokenBuckets,
  })()
  return (usage, traceId) => {
    if (usage.promptTokens > 0) promptTokens.add(usage.promptTokens)
    if (usage.completionTokens > 0) completionTokens.add(usage.completionTokens)
    calls.observe(usage.llmCalls, traceId)
    tokensEach.observe(usage.promptTokens + usage.completionTokens, traceId)
  }
}

const rejectionCodes: readonly string[] = ['overloaded', 'pool_exhausted', 'rate_limited', 'draining']

/** Null when the caller disconnected or its request was at fault. */
function servedOf(code: string): Served | null {
  if (rejectionCodes.includes(code)) return 'refused'
  const status = errorTable[code as keyof typeof errorTable]?.status ?? 500
  return status >= 500 && code !== 'not_cached' ? 'failed' : null
}

/** All stages, and the separate retrieval histogram that existing dashboards expect. */
export function stageMetrics(kit: Kit): Subscriber {
  const seconds = kit.histogram('stage_seconds', 'Duration of a pipeline stage.', { labels: ['stage', 'outcome'] })
  const firstToken = kit.histogram('first_token_seconds', 'Time to the first chunk of a streaming stage.', {
    labels: ['stage'],
  })
  const retrieval = kit.histogram(
    'retrieval_latency_seconds',
    'Duration of passage searches in the database, cancelled ones excluded.',
  )()
  return {
    stageEnded(stage, outcome, took, traceId) {
      seconds(stage, outcome).observe(took, traceId)
      if (stage === 'retrieve' && outcome !== 'cancelled') retrieval.observe(took, traceId)
    },
    stageStreamed: (stage, took, traceId) => firstToken(stage).observe(took, traceId),
  }
}
