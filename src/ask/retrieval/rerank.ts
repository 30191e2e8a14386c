import { isAskError, isOverBudget, loudness } from '../../errors.ts'
import { startDeadline } from '../../resilience/deadline.ts'
import type { Degraded } from '../terms/answer.ts'
import type { Passage } from '../terms/passage.ts'
import type { Run } from '../terms/run.ts'
import type { QuestionCall } from './embedder.ts'
import { passageUnits, promisingUnits } from './unit-choice.ts'

export interface RerankCall extends QuestionCall {
  /** Called with the tokens that the API says it charges for, if it says so. */
  readonly onTokens?: (tokens: number) => void
  /** When the scores are needed, on the clock of `performance.now()`. A reranker in this process stops then. */
  readonly deadline?: number
}

/** The interface of every reranking model. */
export interface Reranker {
  readonly model: string
  /** It computes on this machine, where there is no other server to wait for. */
  readonly isInProcess?: true
  /**
   * Scores how well each text answers the query: one number per text, in their order, or null for a text that was not
   * read in time. Higher is better, on the model's own scale. Rejects with an AskError (`model_*`), or the signal's
   * reason.
   */
  score(
    query: string,
    texts: readonly string[],
    signal: AbortSignal,
    call?: RerankCall,
  ): Promise<readonly (number | null)[]>
}

export interface ToRerank {
  readonly query: string
  /** In search order. */
  readonly passages: readonly Passage[]
}

/** `degraded` when the reranker failed, or was too expensive, and the search order was kept. */
export interface Reranked {
  readonly passages: readonly Passage[]
  readonly degraded: readonly Degraded[]
}

export interface RerankSettings {
  /** Number of passages that the reranker reads. */
  readonly candidates: number
  /** It also reads the best sentences of the best passages, each by itself. */
  readonly readsUnits: boolean
  /** Time for a reranker in this process. What it has read by then counts. */
  readonly budgetMs: number
}

/** Passages whose units are read: the answer is written from five. */
const unitPassages = 6
const unitLimits = { most: 32, mostPerPassage: 8, leastPerPassage: 2 } as const
/** Share of the time for whole passages; what they leave of it is for units. */
const passagesShare = 0.6
/**
 * What the order of the search adds to the score of a cross-encoder, 0…1. Where nothing seems to answer, its scores
 * differ by 0.00001, which is noise: of 39 questions about a manual, it alone had the right passage first for 35, the
 * search for 36, both together for 36.
 */
const searchShare = 0.1
/** Kept free at the end of the time, so that what was scored is not lost to the deadline of the stage. */
const marginMs = 20

/**
 * Reorders the first `candidates` passages by a model that reads question and passage together; the rest stays after
 * them, and so do those that it did not read in time. Then it reads the most promising units of the best passages: a
 * passage is as good as it and its best unit together. A reranker that fails changes nothing.
 */
export function rerankWith(reranker: Reranker, settings: RerankSettings) {
  return async ({ query, passages }: ToRerank, run: Run): Promise<Reranked> => {
    const now = performance.now()
    const last = run.deadline - marginMs
    const end = reranker.isInProcess ? Math.min(now + settings.budgetMs, last) : last
    const score = async (texts: readonly string[], deadline: number, signal = run.signal) =>
      await reranker.score(query, texts, signal, { payer: run.payer, ...(reranker.isInProcess && { deadline }) })
    const [first, rest] = [passages.slice(0, settings.candidates), passages.slice(settings.candidates)]
    try {
      const share = settings.readsUnits ? passagesShare : 1
      const ordered = byScore(
        first,
        await score(first.map(textWithTitle), now + (end - now) * share),
        orderOf(reranker),
      )
      if (ordered === null) return { passages, degraded: ['rerank'] }
      if (!settings.readsUnits) return { passages: [...ordered, ...rest], degraded: [] }
      // Ends before the stage does, with which the scores of whole passages would be lost. A reranker in this process
      // ends by itself and returns what it has.
      const until = reranker.isInProcess ? run.deadline : end
      const limit = startDeadline('reranking sentences', until - performance.now(), run.signal)
      const read = await withUnitScores(
        ordered,
        query,
        orderOf(reranker),
        async texts => await Promise.race([score(texts, end, limit.signal), limit.expired]),
      )
        .catch((error: unknown) => {
          logFailure(error, run, 'reranking sentences failed: passages are ordered as a whole')
          return ordered
        })
        .finally(limit.stop)
      return { passages: [...read, ...rest], degraded: [] }
    } catch (error) {
      logFailure(error, run, 'reranking failed: passages keep the search order')
      return { passages, degraded: [isOverBudget(error) ? 'budget' : 'rerank'] }
    }
  }
}

/** Rethrows what is no failure of the model: the end of the stage, for example. */
function logFailure(error: unknown, { log, signal }: Run, message: string): void {
  if (!isAskError(error) || signal.aborted) throw error
  if (!error.code.startsWith('model_') && error.code !== 'deadline_exceeded') throw error
  log[loudness(error)]({ code: error.code, detail: error.detail, err: error.cause ?? error }, message)
}

/** Best first; the passages without a score follow in their order. Null when none has one. */
function byScore(passages: readonly Passage[], scores: readonly (number | null)[], inOrder: Order): Passage[] | null {
  if (scores.every(score => score === null)) return null
  return inOrder(
    passages.map((passage, i) => (typeof scores[i] === 'number' ? withScore(passage, scores[i]) : passage)),
  )
}

type Order = (passages: readonly Passage[]) => Passage[]

/** The scale of another server is unknown, so nothing can be added to its scores. */
function orderOf({ isInProcess }: Reranker): Order {
  const share = isInProcess ? searchShare : 0
  // Below every score without one: a difference of two infinities would be no number.
  const valueOf = ({ scores: { rerank, fused } }: Passage) =>
    rerank === undefined ? -Number.MAX_VALUE : rerank + share * fused
  return passages => passages.toSorted((a, b) => valueOf(b) - valueOf(a))
}

function withScore(passage: Passage, rerank: number): Passage {
  return { ...passage, scores: { ...passage.scores, rerank } }
}

/** Orders the first passages by the mean of their own score, if they have one, and that of their best unit. */
async function withUnitScores(
  ordered: readonly Passage[],
  query: string,
  inOrder: Order,
  score: (texts: readonly string[]) => Promise<readonly (number | null)[]>,
): Promise<readonly Passage[]> {
  const first = ordered.slice(0, unitPassages)
  const units = promisingUnits(query, first, unitLimits)
  const scores = await score(units.map(({ text }) => text))
  const read = first.map((passage, index): Passage => {
    const found = new Map(
      units.flatMap(({ passageIndex, unit }, i) => {
        const rerank = scores[i]
        return passageIndex === index && typeof rerank === 'number' ? [[unit.start, rerank] as const] : []
      }),
    )
    if (found.size === 0) return passage
    const best = Math.max(...found.values())
    const { rerank = best } = passage.scores
    const scored = passageUnits(passage).map(unit => ({ ...unit, ...rerankOf(found.get(unit.start)) }))
    return { ...withScore(passage, (rerank + best) / 2), units: scored }
  })
  return [...inOrder(read), ...ordered.slice(unitPassages)]
}

function rerankOf(rerank: number | undefined): { readonly rerank?: number } {
  return rerank === undefined ? {} : { rerank }
}

/** A passage as a model reads it: below its title. */
export function textWithTitle({ title, text, tableHeader }: Passage): string {
  const shown = tableHeader === undefined ? text : `${tableHeader}\n${text}`
  return title === '' ? shown : `${title}\n\n${shown}`
}
