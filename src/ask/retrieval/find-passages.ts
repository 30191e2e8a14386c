import { candidatesFor, type ChooseSteps } from './select.ts'
import type { Embedded } from './embed.ts'
import { orWithout } from '../best-effort.ts'
import type { Retrieved, Wanted } from './retrieve.ts'
import type { Rewrites } from './rewrite.ts'
import type { Stage } from '../stage.ts'
import {
  addUsage,
  noUsage,
  type Arm,
  type AskedCollection,
  type Degraded,
  type Passage,
  type Question,
  type Run,
  type Usage,
} from '../terms.ts'
import { read, understand } from './analyze-question.ts'
import type { Understood } from '../terms.ts'

export interface LookSteps extends ChooseSteps {
  readonly embed: Stage<Understood, Embedded>
  readonly retrieve: Stage<Wanted, Retrieved>
  /** Null when no language model is set. */
  readonly rewrite: Rewrites | null
  /** Share of the vector arm for questions in this language, 0…1. */
  readonly vectorWeight: (language: string, collection: AskedCollection) => number
  /** Passages less near than this answer nothing, 0…1. */
  readonly abstainBelow: number
}

export interface Looked {
  readonly asked: Understood
  /** Best first; more than asked for, until `choose` has chosen. */
  readonly passages: readonly Passage[]
  readonly isNear: boolean
  /** Smart when a model was asked for other words. */
  readonly mode: 'fast' | 'smart'
  readonly usage: Usage
  readonly degraded: readonly Degraded[]
  /** The documents changed during one of the searches. */
  readonly isOvertaken: boolean
}

/** From the question's words to passages: at most one embedding and one search, and a second look where the mode allows it. */
export async function lookUp(
  steps: LookSteps,
  question: Question,
  collection: AskedCollection,
  run: Run,
  arm: Arm = 'fused',
): Promise<Looked> {
  const { asked, usage } = await standAlone(steps, question, collection, run)
  const isRewritten = usage.llmCalls > 0
  if (asked.terms.length === 0) return looked(nothing, isRewritten, usage)
  const first = await find(asked)
  if (first.nearness >= steps.abstainBelow || question.mode === 'fast' || !steps.rewrite)
    return looked(first, isRewritten, usage)

  // Nothing near: the documents may say it in other words.
  const { rephrase } = steps.rewrite
  const other = await orWithout({ texts: [], usage: unanswered }, run, brief => rephrase(asked, brief))
  const others = await Promise.all(other.texts.map(text => find(read(text, asked.language, asked.readAs))))
  const best = others.reduce((a, b) => (b.nearness > a.nearness ? b : a), first)
  const isOvertaken = [first, ...others].some(each => each.isOvertaken)
  return looked({ ...best, isOvertaken }, true, addUsage(usage, other.usage))

  async function find(words: Understood): Promise<Found> {
    const weight = weightOf(words.language)
    const { vector, isDegraded } = weight > 0 ? await embed(words) : { vector: null, isDegraded: false }
    const { filters } = question
    const topK = arm === 'fused' ? candidatesFor(steps, question) : question.topK
    const retrieved = await steps.retrieve(
      { asked: words, vector, vectorWeight: weight, arm, collection, filters, topK },
      run,
    )
    return { ...retrieved, degraded: isDegraded ? ['embeddings'] : [] }
  }

  /** An arm that is measured alone is asked, even where it has no say beside the other. */
  function weightOf(language: string): number {
    if (collection.modelId === null || arm === 'lexical') return 0
    return arm === 'vector' ? 1 : steps.vectorWeight(language, collection)
  }

  async function embed(words: Understood): Promise<Embedded> {
    return await orWithout({ vector: null, isDegraded: true }, run, brief => steps.embed(words, brief))
  }

  function looked({ passages, nearness, degraded, isOvertaken }: Found, isSmart: boolean, spent: Usage): Looked {
    return {
      asked,
      passages,
      isNear: nearness >= steps.abstainBelow,
      mode: isSmart ? 'smart' : 'fast',
      usage: spent,
      degraded,
      isOvertaken,
    }
  }
}

interface Found extends Retrieved {
  readonly degraded: readonly Degraded[]
}

/** For a question without a letter or a digit: a model would make something up of it. */
const nothing: Found = { passages: [], nearness: 0, degraded: [], isOvertaken: false }

/** A follow-up is rewritten to stand alone where a model may be asked; else it borrows the words before it. */
async function standAlone(steps: LookSteps, question: Question, collection: AskedCollection, run: Run) {
  const asked = understand(question, collection)
  if (question.history.length === 0 || question.mode === 'fast' || !steps.rewrite) return { asked, usage: noUsage }
  const { condense } = steps.rewrite
  const { text, usage } = await orWithout({ text: null, usage: unanswered }, run, brief => condense(question, brief))
  return { asked: text === null ? asked : read(text, asked.language, asked.readAs), usage }
}

/** A call was made; what it used nobody knows. */
const unanswered: Usage = { ...noUsage, llmCalls: 1 }
