import { modelFaults, type ModelFault } from '../../adapters/models/faults.ts'
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
  embeddings: 'OPENAI_BASE_URL',
  rerank: 'RERANK_URL',
}
const instead: Readonly<Record<Model, string>> = {
  chat: 'answers are quoted sentences',
  embeddings: 'passages are found by words alone',
  rerank: 'passages keep the order of the search',
}

/** Fewer, of many calls, is chance. */
const leastFaults = 2
const leastShare = 0.2

/** What is wrong with each model, by what most of its calls of ten seconds failed by, or the last before it was left alone. */
export function diagnoseModels(facts: Facts): Finding[] {
  return (['chat', 'embeddings', 'rerank'] as const).flatMap(model => diagnoseModel(model, facts) ?? [])
}

function diagnoseModel(model: Model, { breakers, times, lastFault }: Facts): Finding | null {
  const counts = modelFaults
    .filter(fault => fault !== 'paused')
    .map(fault => ({ fault, count: times(`${model}:${fault}`) }))
  const faults = counts.reduce((sum, { count }) => sum + count, 0)
  const calls = faults + times(`${model}:ok`)
  const isLeftAlone = (breakers[model] ?? 'closed') !== 'closed' || times(`${model}:paused`) > 0
  if (!isLeftAlone && (faults < leastFaults || faults < leastShare * calls)) return null
  const most = counts.toSorted((a, b) => b.count - a.count)[0]
  const fault = (most?.count ?? 0) > 0 ? most!.fault : (lastFault(model) ?? 'failed')
  const [code, words] = inWords(fault, model)
  const detail = `${names[model]} ${words}: ${counted(faults, 'call')} of ${calls} failed in 10 s, its breaker is ${breakers[model] ?? 'none'}; meanwhile ${instead[model]}.`
  return {
    culprit: model,
    severity: 'warning',
    code: `${model}-${code}`,
    detail: detail.charAt(0).toUpperCase() + detail.slice(1),
  }
}

function inWords(fault: ModelFault, model: Model): readonly [code: string, words: string] {
  const all: Readonly<Record<ModelFault, readonly [string, string]>> = {
    unreachable: ['unreachable', `cannot be reached (look at ${settings[model]})`],
    hung_up: ['hangs-up', 'hangs up before it replies'],
    failed: ['fails', 'replies with errors (status 500 and above)'],
    paused: ['fails', 'failed'],
    busy: ['busy', 'takes no more requests (status 429)'],
    rejected: ['rejects', 'refuses what it is asked (its key, its name or its limits are wrong)'],
    silent: ['silent', 'takes requests and says nothing'],
    slow: ['slow', 'takes too long'],
    stalled: ['stalls', 'falls silent after its first words'],
    broken_off: ['breaks-off', 'breaks off in the middle of its replies'],
    garbage: ['garbage', 'sends what is no reply'],
    wrong_dimensions: ['wrong-dimensions', 'sends vectors of another length (another model than before?)'],
  }
  return all[fault]
}
