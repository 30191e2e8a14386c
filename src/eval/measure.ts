import type { Arm } from '../ask/terms/passage.ts'
import { askAll, type QuestionResult, type AskingOptions } from './ask-all.ts'
import { abstentionOf, figuresOf, type Abstention, type Figures } from './figures.ts'
import type { EvalSet, Variant } from './set.ts'

export const retrievers: readonly Arm[] = ['lexical', 'vector', 'fused']

/** Results of one file of questions. */
export interface Measured {
  readonly name: string
  readonly arms: Readonly<Record<Arm, Figures>>
  /** Fused results by the language of the questions; empty when all questions are in one language. */
  readonly languages: Readonly<Record<string, Figures>>
  readonly abstention: Abstention
}

export interface Measuring {
  readonly asking: Omit<AskingOptions, 'onAsked'>
  readonly onAsked: (name: string, done: number, total: number) => void
  /** Called with all rankings as soon as a retriever has finished a variant. */
  readonly onRanked: (name: string, retriever: Arm, results: readonly QuestionResult[]) => Promise<void>
}

export async function measureSet(set: EvalSet, measuring: Measuring): Promise<Measured[]> {
  const measured: Measured[] = []
  for (const variant of set.variants) measured.push(await measureVariant(variant, measuring))
  return measured
}

async function measureVariant(
  { name, questions }: Variant,
  { asking, onAsked, onRanked }: Measuring,
): Promise<Measured> {
  const total = questions.length * retrievers.length
  let done = 0
  const resultsOf = async (retriever: Arm) => {
    const results = await askAll(questions, retriever, { ...asking, onAsked: () => onAsked(name, ++done, total) })
    await onRanked(name, retriever, results)
    return results
  }
  const [lexical, vector, fused] = [await resultsOf('lexical'), await resultsOf('vector'), await resultsOf('fused')]
  return {
    name,
    arms: { lexical: figuresOf(lexical), vector: figuresOf(vector), fused: figuresOf(fused) },
    languages: byLanguage(fused),
    abstention: abstentionOf(fused),
  }
}

function byLanguage(results: readonly QuestionResult[]): Record<string, Figures> {
  const groups = Map.groupBy(results, each => each.question.language ?? 'und')
  if (groups.size < 2) return {}
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([language, group]) => [language, figuresOf(group)]),
  )
}
