import type { Arm } from '../ask/terms.ts'
import { askAll, type Asked, type Asking } from './ask-all.ts'
import { abstentionOf, figuresOf, type Abstention, type Figures } from './figures.ts'
import type { EvalSet, Variant } from './set.ts'

export const arms: readonly Arm[] = ['lexical', 'vector', 'fused']

/** One file of questions, measured. */
export interface Measured {
  readonly name: string
  readonly arms: Readonly<Record<Arm, Figures>>
  /** Both arms together, by the questions' own language; empty where all are in one. */
  readonly languages: Readonly<Record<string, Figures>>
  readonly abstention: Abstention
}

export interface Measuring {
  readonly asking: Omit<Asking, 'onAsked'>
  readonly onAsked: (name: string, done: number, total: number) => void
  /** Gets every ranking as soon as an arm is through with a variant. */
  readonly onRanked: (name: string, arm: Arm, asked: readonly Asked[]) => Promise<void>
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
  const total = questions.length * arms.length
  let done = 0
  const through = async (arm: Arm) => {
    const asked = await askAll(questions, arm, { ...asking, onAsked: () => onAsked(name, ++done, total) })
    await onRanked(name, arm, asked)
    return asked
  }
  const [lexical, vector, fused] = [await through('lexical'), await through('vector'), await through('fused')]
  return {
    name,
    arms: { lexical: figuresOf(lexical), vector: figuresOf(vector), fused: figuresOf(fused) },
    languages: byLanguage(fused),
    abstention: abstentionOf(fused),
  }
}

function byLanguage(asked: readonly Asked[]): Record<string, Figures> {
  const groups = Map.groupBy(asked, each => each.question.language ?? 'und')
  if (groups.size < 2) return {}
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([language, group]) => [language, figuresOf(group)]),
  )
}
