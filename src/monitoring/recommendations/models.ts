import type { RuleFacts, Recommendation, Rule } from './recommendation.ts'
import { largestPart, ms, percent } from './format.ts'

const minSamples = 10
const slowFirstTokenMs = 2000
const slowRerankMs = 1000
const slowEmbeddingMs = 500
const degradedShare = 0.05
/** The instructions, six turns, a question of usual length and the default number of passages stay below this. */
const manyPromptTokens = 2500
const deadlineShare = 0.02
const minDeadlines = 5

function modelSlow({
  window: { firstTokenMs: first, latencyMs },
  config: { models },
}: RuleFacts): Recommendation | null {
  if (first.count < minSamples || first.p95 === null || first.p95 < slowFirstTokenMs) return null
  return {
    id: 'model-slow',
    severity: 'warning',
    setting: 'CHAT_MODEL',
    title: 'The language model is slow to start answering',
    evidence: `p95 to its first token ${ms(first.p95)}, p50 ${ms(first.p50)}, of ${models.chat ?? 'none'}; p95 of a fresh answer ${ms(latencyMs.fresh.p95)}`,
    action:
      'Use a faster model or server (CHAT_MODEL, OPENAI_BASE_URL), or stream answers. Mode "fast" makes fewer calls.',
  }
}

/** Separate from the rule above: a call that is abandoned has no first token to measure. */
function modelSilent({ window, config: { guard } }: RuleFacts): Recommendation | null {
  const quoted = window.degradedByReason['generation'] ?? 0
  const p95 = window.stagesMs['generate']?.p95 ?? 0
  if (quoted < minSamples || quoted < degradedShare * window.requests || p95 < 0.9 * guard.silenceMs) return null
  return {
    id: 'model-silent',
    severity: 'warning',
    setting: 'MODEL_SILENCE_MS',
    title: 'Calls of the language model hit the idle timeout',
    evidence: `${quoted} of ${window.requests} answers were quoted sentences (degraded "generation"); p95 of generation ${ms(p95)}, MODEL_SILENCE_MS ${guard.silenceMs}`,
    action:
      'Check the model server. If it is slow to begin, set MODEL_FIRST_WORD_MS to more than it needs; if it hangs, lower MODEL_SILENCE_MS to quote sooner.',
  }
}

function deadlines({ window: { deadlines: byStage, requests }, config: { ask } }: RuleFacts): Recommendation | null {
  const all = Object.values(byStage).reduce((sum, each) => sum + each, 0)
  const first = largestPart(byStage)
  if (!first || all < Math.max(minDeadlines, deadlineShare * requests)) return null
  return {
    id: 'deadlines-exceeded',
    severity: 'warning',
    setting: 'REQUEST_TIMEOUT_MS',
    title: `Requests time out in the stage "${first.name}"`,
    evidence: `${all} stages timed out in five minutes, ${percent(first.share)} of them "${first.name}"; ${requests} requests, REQUEST_TIMEOUT_MS ${ask.timeoutMs}`,
    action: `Find out why "${first.name}" is slow. Raise REQUEST_TIMEOUT_MS, or the callers' timeout_ms, only if answers may take that long.`,
  }
}

function rerankSlow({ window: { stagesMs }, config: { rerank } }: RuleFacts): Recommendation | null {
  const took = stagesMs['rerank']
  // A model on disk takes the time that RERANK_BUDGET_MS gives it.
  if (
    !rerank ||
    rerank.url === null ||
    !took ||
    took.count < minSamples ||
    took.p95 === null ||
    took.p95 < slowRerankMs
  )
    return null
  return {
    id: 'rerank-slow',
    severity: 'warning',
    setting: 'RERANK_CANDIDATES',
    title: 'The reranker is slow',
    evidence: `p95 ${ms(took.p95)} for RERANK_CANDIDATES ${rerank.candidates}, RERANK_TIMEOUT_MS ${rerank.timeoutMs}`,
    action: 'Lower RERANK_CANDIDATES so that it reads fewer passages, or lower RERANK_TIMEOUT_MS to skip it sooner.',
  }
}

function embeddingSlow({ window: { stagesMs }, config: { guard, models } }: RuleFacts): Recommendation | null {
  const took = stagesMs['embed']
  const isRemote = models.embedding !== 'local' && !models.embedding.startsWith('onnx:')
  if (
    !isRemote ||
    guard.hedgeMs > 0 ||
    !took ||
    took.count < minSamples ||
    took.p95 === null ||
    took.p95 < slowEmbeddingMs
  )
    return null
  return {
    id: 'embedding-slow',
    severity: 'info',
    setting: 'EMBEDDING_HEDGE_MS',
    title: 'Embedding questions takes long',
    evidence: `p95 ${ms(took.p95)}, p50 ${ms(took.p50)}, of ${models.embedding}; EMBEDDING_HEDGE_MS is 0`,
    action: `Set EMBEDDING_HEDGE_MS to about ${Math.max(50, Math.round(2 * (took.p50 ?? 0)))}: a call that takes longer is sent a second time.`,
  }
}

function promptsLarge({
  window: {
    models: { calls, promptTokens },
  },
  config: { ask },
}: RuleFacts): Recommendation | null {
  const mean = calls === 0 ? 0 : Math.round(promptTokens / calls)
  if (calls < minSamples || mean < manyPromptTokens) return null
  return {
    id: 'prompts-large',
    severity: 'info',
    setting: 'PROMPT_TOKENS',
    title: 'Prompts are large',
    evidence: `${mean} tokens per call on average over ${calls} calls; PROMPT_TOKENS ${ask.promptTokens}`,
    action:
      'Lower PROMPT_TOKENS; check with askwell eval that answers stay as good. Long questions and histories count too.',
  }
}

export const modelRules: readonly Rule[] = [modelSlow, modelSilent, deadlines, rerankSlow, embeddingSlow, promptsLarge]
