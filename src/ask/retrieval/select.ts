import { diversify } from './diversify.ts'
import { bestEffort } from '../best-effort.ts'
import type { Reranked, ToRerank } from './rerank.ts'
import type { Stage } from '../stage.ts'
import type { Degraded } from '../terms/answer.ts'
import type { Evidence } from '../terms/evidence.ts'
import type { Passage } from '../terms/passage.ts'
import type { Question } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'

export interface SelectSteps {
  /** Null when no reranker is configured. */
  readonly rerank: {
    readonly run: Stage<ToRerank, Reranked>
    /** Number of passages it reads. */
    readonly candidates: number
    /** It reads sentences too, of which one passage has several. */
    readonly readsUnits: boolean
  } | null
}

/** The result of a search. */
interface SearchInput {
  readonly asked: { readonly text: string; readonly standalone?: string }
  readonly passages: readonly Passage[]
  readonly evidence: Evidence
  readonly degraded: readonly Degraded[]
}

/** Extra passages beyond `top_k`, for those that repeat others or are joined with them. */
const maxSpare = 10

/** How many passages the search must return so that `top_k` remain. */
export function candidatesFor({ rerank }: SelectSteps, question: Question): number {
  const wanted = question.topK + Math.min(question.topK, maxSpare)
  return rerank && isReranked(question) ? Math.max(wanted, rerank.candidates) : wanted
}

/** Selects at most `top_k` passages: reranked where configured and the mode allows it, without repetition. */
export async function selectPassages<F extends SearchInput>(
  steps: SelectSteps,
  question: Question,
  found: F,
  run: Run,
): Promise<F> {
  const { passages, degraded } = await reranked(steps, question, found, run)
  const selected = diversify(passages, question.topK)
  run.explain?.({ reranked: passages === found.passages ? null : passages, selected })
  return {
    ...found,
    passages: selected,
    evidence: { ...found.evidence, passages: selected },
    degraded: [...new Set([...found.degraded, ...degraded])],
  }
}

async function reranked(
  { rerank }: SelectSteps,
  question: Question,
  { asked, passages }: SearchInput,
  run: Run,
): Promise<Reranked> {
  const least = rerank?.readsUnits ? 1 : 2
  if (!rerank || !isReranked(question) || passages.length < least) return { passages, degraded: [] }
  return await bestEffort({ passages, degraded: ['rerank'] }, run, bounded =>
    rerank.run({ query: asked.standalone ?? asked.text, passages }, bounded),
  )
}

/** In `fast` mode a question makes at most one embedding call and one search. */
function isReranked({ mode }: Question): boolean {
  return mode !== 'fast'
}
