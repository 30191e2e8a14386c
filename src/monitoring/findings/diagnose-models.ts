import { modelFaults, type ModelFault } from '../../faults.ts'
import { diagnoseFirstWord } from './diagnose-first-word.ts'
import type { Facts } from './facts.ts'
import { counted, type Finding } from './findings.ts'

type Model = 'chat' | 'embeddings' | 'rerank'

const names: Readonly<Record<Model, string>> = {
  chat: 'the language model',
  embeddings: 'the embedding model',
  rerank: 'the reranker',
}
const settings: Readonly<Record<Model, string>> = {
  chat: 'OPENAI_BASE_URL',
  embeddings: 'EMBEDDING_BASE_URL, or OPENAI_BASE_URL where it is unset',
  rerank: 'RERANK_URL',
}
const instead: Readonly<Record<Model, string>> = {
  chat: 'answers are quoted sentences',
  embeddings: 'passages are found by lexical search only',
  rerank: 'passages keep the order of retrieval',
}
const insteadOfBusy = 'questions wait for it where they have time, and get quoted sentences otherwise'

/** Fewer failures, or a smaller share of all calls, are taken for chance. */
const leastFaults = 2
const leastShare = 0.2

/**
 * One finding per failing model. It names the most frequent fault of the last 10 s, or the last fault before calls
 * stopped.
 */
export function diagnoseModels(facts: Facts): Finding[] {
  const failing = (['chat', 'embeddings', 'rerank'] as const).flatMap(model => diagnoseModel(model, facts) ?? [])
  const isFailing = failing.some(({ culprit }) => culprit === 'chat')
  return [
    ...failing,
    ...diagnoseChange(facts),
    ...((isFailing ? null : diagnoseSaturation(facts)) ?? []),
    ...diagnoseFirstWord(facts.firstWord, isFailing),
  ]
}

/** The vectors of the documents and those of questions mean different things. */
function diagnoseChange({ database: { changedModels } }: Facts): Finding[] {
  if (changedModels === null || changedModels === 0) return []
  return [
    {
      culprit: 'embeddings',
      severity: 'warning',
      code: 'embedding-model-changed',
      detail: `The embedding model makes other vectors than those of ${counted(changedModels, 'collection')}: the provider has changed what is behind its name. Questions there are answered by words alone, and nothing is loaded, until the vectors are rebuilt with: askwell reembed --collection NAME. The log names the collection.`,
    },
  ]
}

const declinedAtLeast = 3

/** The model works, but on fewer questions than are asked. */
function diagnoseSaturation({ modelCalls, times }: Facts): Finding[] | null {
  const declined = times('chat:declined')
  if (!modelCalls || declined < declinedAtLeast || times('chat:ok') === 0) return null
  const { inFlight, limit, waiting } = modelCalls
  return [
    {
      culprit: 'chat',
      severity: 'warning',
      code: 'chat-saturated',
      detail: `The language model is asked more than it can answer in time: ${counted(declined, 'question')} got quoted sentences instead in the last 10 s; ${inFlight} of ${limit} calls in progress, ${waiting} queued.`,
    },
  ]
}

function diagnoseModel(model: Model, { breakers, times, lastFault }: Facts): Finding | null {
  const counts = modelFaults
    .filter(fault => fault !== 'paused')
    .map(fault => ({ fault, count: times(`${model}:${fault}`) }))
  const faults = counts.reduce((sum, { count }) => sum + count, 0)
  const calls = faults + times(`${model}:ok`)
  const isPaused = (breakers[model] ?? 'closed') !== 'closed' || times(`${model}:paused`) > 0
  if (!isPaused && (faults < leastFaults || faults < leastShare * calls)) return null
  const most = counts.toSorted((a, b) => b.count - a.count)[0]
  const fault = (most?.count ?? 0) > 0 ? most!.fault : (lastFault(model) ?? 'failed')
  const [code, words] = describe(fault, model)
  const detail = `${names[model]} ${words}: ${faults} of ${counted(calls, 'call')} failed in the last 10 s (circuit breaker: ${breakers[model] ?? 'none'}); until it recovers, ${fault === 'busy' && model === 'chat' ? insteadOfBusy : instead[model]}.`
  return {
    culprit: model,
    severity: 'warning',
    code: `${model}-${code}`,
    detail: detail.charAt(0).toUpperCase() + detail.slice(1),
  }
}

function describe(fault: ModelFault, model: Model): readonly [code: string, words: string] {
  const all: Readonly<Record<ModelFault, readonly [string, string]>> = {
    unreachable: ['unreachable', `cannot be reached (check ${settings[model]})`],
    hung_up: ['hangs-up', 'disconnects before it replies'],
    failed: ['fails', 'replies with errors (status 500 or above)'],
    paused: ['fails', 'failed'],
    busy: ['busy', 'rejects requests as too many (status 429)'],
    rejected: ['rejects', 'rejects our requests (check its key, its name and its limits)'],
    silent: ['silent', 'accepts requests but does not reply'],
    slow: ['slow', 'takes too long'],
    stalled: ['stalls', 'stops after its first tokens'],
    broken_off: ['breaks-off', 'disconnects in the middle of its replies'],
    garbage: ['garbage', 'sends invalid replies'],
    wrong_dimensions: ['wrong-dimensions', 'sends vectors of another length (has the model changed?)'],
  }
  return all[fault]
}
