import type { Facts, Recommendation, Rule } from './recommendation.ts'
import { foremost, ms, percent } from './format.ts'

const enough = 10
const slowFirstTokenMs = 2000
const slowRerankMs = 1000
const slowEmbeddingMs = 500
const degradedShare = 0.05
/** The rules, six turns, a question of usual length and the default's passages stay below this. */
const manyPromptTokens = 2500
const deadlineShare = 0.02
const enoughDeadlines = 5

function modelSlow({ window: { firstTokenMs: first, latencyMs }, config: { models } }: Facts): Recommendation | null {
  if (first.count < enough || first.p95 === null || first.p95 < slowFirstTokenMs) return null
  return {
    id: 'model-slow',
    severity: 'warning',
    setting: 'CHAT_MODEL',
    title: 'The language model is slow to begin',
    evidence: `p95 until its first word ${ms(first.p95)}, p50 ${ms(first.p50)}, of ${models.chat ?? 'none'}; p95 of an answer made anew ${ms(latencyMs.fresh.p95)}`,
    action:
      'Take a faster model or server (CHAT_MODEL, OPENAI_BASE_URL), or show answers as they come (stream); mode "fast" makes fewer calls.',
  }
}

/** Of a model that is given up there is no first word to measure. */
function modelSilent({ window, config: { guard } }: Facts): Recommendation | null {
  const without = window.degradedByReason['generation'] ?? 0
  const p95 = window.stagesMs['generate']?.p95 ?? 0
  if (without < enough || without < degradedShare * window.requests || p95 < 0.9 * guard.silenceMs) return null
  return {
    id: 'model-silent',
    severity: 'warning',
    setting: 'MODEL_SILENCE_MS',
    title: 'The language model is given up for its silence',
    evidence: `${without} of ${window.requests} answers were quoted sentences (degraded "generation"); p95 of generating ${ms(p95)}, MODEL_SILENCE_MS ${guard.silenceMs}`,
    action:
      'Look at the model server. Where it is only slow, raise MODEL_SILENCE_MS to wait for it; where it hangs, lower it to quote sooner.',
  }
}

function deadlines({ window: { deadlines: byStage, requests }, config: { ask } }: Facts): Recommendation | null {
  const all = Object.values(byStage).reduce((sum, each) => sum + each, 0)
  const first = foremost(byStage)
  if (!first || all < Math.max(enoughDeadlines, deadlineShare * requests)) return null
  return {
    id: 'deadlines-exceeded',
    severity: 'warning',
    setting: 'REQUEST_TIMEOUT_MS',
    title: `The time runs out in the stage "${first.name}"`,
    evidence: `${all} stages out of time in five minutes, ${percent(first.share)} of them "${first.name}"; ${requests} requests, REQUEST_TIMEOUT_MS ${ask.timeoutMs}`,
    action: `Find out why "${first.name}" is slow; raise REQUEST_TIMEOUT_MS, or the callers' timeout_ms, only if answers may take that long.`,
  }
}

function rerankSlow({ window: { stagesMs }, config: { rerank } }: Facts): Recommendation | null {
  const took = stagesMs['rerank']
  if (!rerank || !took || took.count < enough || took.p95 === null || took.p95 < slowRerankMs) return null
  return {
    id: 'rerank-slow',
    severity: 'warning',
    setting: 'RERANK_CANDIDATES',
    title: 'The reranker is slow',
    evidence: `p95 ${ms(took.p95)} for RERANK_CANDIDATES ${rerank.candidates}, RERANK_TIMEOUT_MS ${rerank.timeoutMs}`,
    action: 'Lower RERANK_CANDIDATES: it reads fewer passages; or lower RERANK_TIMEOUT_MS to go on without it sooner.',
  }
}

function embeddingSlow({ window: { stagesMs }, config: { guard, models } }: Facts): Recommendation | null {
  const took = stagesMs['embed']
  const isRemote = models.embedding !== 'local' && !models.embedding.startsWith('onnx:')
  if (!isRemote || guard.hedgeMs > 0 || !took || took.count < enough || took.p95 === null || took.p95 < slowEmbeddingMs)
    return null
  return {
    id: 'embedding-slow',
    severity: 'info',
    setting: 'EMBEDDING_HEDGE_MS',
    title: 'Vectors of questions take long',
    evidence: `p95 ${ms(took.p95)}, p50 ${ms(took.p50)}, of ${models.embedding}; EMBEDDING_HEDGE_MS is 0`,
    action: `Set EMBEDDING_HEDGE_MS to about ${Math.max(50, Math.round(2 * (took.p50 ?? 0)))}: a call that takes longer is made a second time.`,
  }
}

function promptsLarge({
  window: {
    models: { calls, promptTokens },
  },
  config: { ask },
}: Facts): Recommendation | null {
  const mean = calls === 0 ? 0 : Math.round(promptTokens / calls)
  if (calls < enough || mean < manyPromptTokens) return null
  return {
    id: 'prompts-large',
    severity: 'info',
    setting: 'PROMPT_TOKENS',
    title: 'Prompts are large',
    evidence: `${mean} tokens a call on average over ${calls} calls; PROMPT_TOKENS ${ask.promptTokens}`,
    action:
      'Lower PROMPT_TOKENS where the answers stay as good: askwell eval tells; long questions and histories count too.',
  }
}

export const modelRules: readonly Rule[] = [modelSlow, modelSilent, deadlines, rerankSlow, embeddingSlow, promptsLarge]
