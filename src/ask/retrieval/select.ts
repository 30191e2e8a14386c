import { diversify } from './diversify.ts'
import { bestEffort } from '../best-effort.ts'
import type { Reranked, ToRerank } from './rerank.ts'
import type { Stage } from '../stage.ts'
import type { Degraded, Passage, Question, Run } from '../terms.ts'

export interface SelectSteps {
  /** Null when no reranker is set. */
  readonly rerank: {
    readonly run: Stage<ToRerank, Reranked>
    /** Passages it reads. */
    readonly candidates: number
  } | null
}

/** What a search found. */
interface Found {
  readonly asked: { readonly text: string }
  readonly passages: readonly Passage[]
  readonly degraded: readonly Degraded[]
}

/** Read beyond `top_k`, for what repeats others or is joined with them. */
const mostSpare = 10

/** How many passages the search must hand over, so that `top_k` are left of them. */
export function candidatesFor({ rerank }: SelectSteps, question: Question): number {
  const wanted = question.topK + Math.min(question.topK, mostSpare)
  return rerank && isReranked(question) ? Math.max(wanted, rerank.candidates) : wanted
}

/** The passages worth showing: reranked where that is set and the mode allows it, each saying something of its own, at most `top_k`. */
export async function selectPassages<F extends Found>(
  steps: SelectSteps,
  question: Question,
  found: F,
  run: Run,
): Promise<F> {
  const { passages, isDegraded } = await reranked(steps, question, found, run)
  return {
    ...found,
    passages: diversify(passages, question.topK),
    degraded: isDegraded ? [...found.degraded, 'rerank'] : found.degraded,
  }
}

async function reranked(
  { rerank }: SelectSteps,
  question: Question,
  { asked, passages }: Found,
  run: Run,
): Promise<Reranked> {
  if (!rerank || !isReranked(question) || passages.length < 2) return { passages, isDegraded: false }
  return await bestEffort({ passages, isDegraded: true }, run, brief =>
    rerank.run({ query: asked.text, passages }, brief),
  )
}

/** `fast` asks no more of other services than one embedding and one search. */
function isReranked({ mode }: Question): boolean {
  return mode !== 'fast'
}
