import { hash } from 'node:crypto'
import { startDeadline, systemClock, type Clock } from '../../../resilience/deadline.ts'
import { createSerialQueue } from '../../../resilience/serial-queue.ts'
import { canonicalQuestion } from '../../../text/canonical/canonical.ts'
import { normalised } from '../cache-key.ts'
import type { Embedded } from '../../retrieval/embed.ts'
import { createEvidence, type Evidence } from './evidence.ts'
import type { Observation } from './threshold.ts'
import type { Stage } from '../../stage.ts'
import type { Answer } from '../../terms/answer.ts'
import type { AnalyzedQuestion } from '../../terms/question.ts'
import type { Run, RunLog } from '../../terms/run.ts'
import { analyzeText } from '../../retrieval/analyze-question.ts'

export interface SimilarQuestion {
  /** Key of its answer in the answer cache. */
  readonly key: string
  readonly question: string
  /** Cosine of the two questions' vectors, −1…1. */
  readonly similarity: number
}

/** What two questions must have in common to be compared at all. */
export interface SemanticKey {
  readonly scope: Buffer
  /** Digest of the language and the canonical question. */
  readonly canonical: Buffer
  readonly model: string
  readonly vector: Float32Array
}

/** The store of cached questions; see adapters/postgres/store/similar-questions.ts. Every method may reject. */
export interface SimilarQuestions {
  /** Best first, at most three, none of them expired. */
  nearest(
    where: SemanticKey,
    terms: { readonly signal: AbortSignal; readonly label: string },
  ): Promise<readonly SimilarQuestion[]>
  keep(
    question: SemanticKey & {
      readonly key: string
      readonly collectionId: number
      readonly question: string
      readonly seconds: number
    },
  ): Promise<void>
  observe(model: string, observation: Observation): Promise<void>
  /** The newest 5,000 observations of the model, oldest first. */
  observations(model: string): Promise<readonly Observation[]>
  /** Deletes expired questions and surplus observations. */
  sweep(): Promise<void>
}

export interface SemanticLookup {
  /** What a later `learn` needs; null when the question cannot be matched: no vector, or no content word. */
  readonly entry: (SemanticKey & { readonly collectionId: number; readonly isObserved: boolean }) | null
  /** The most similar cached question with the same canonical form. */
  readonly candidate: SimilarQuestion | null
  /** Whether the candidate's answer may be served. */
  readonly isTrusted: boolean
}

export interface FreshAnswer {
  readonly key: string
  readonly question: string
  readonly answer: Answer
  /** Lifetime of the answer. */
  readonly seconds: number
}

export interface SemanticCache {
  /** Never rejects; finds nothing when anything fails or takes too long. */
  lookup(
    question: {
      readonly text: string
      readonly language: string
      readonly collectionId: number
      readonly scope: Buffer
    },
    run: Run,
  ): Promise<SemanticLookup>
  /**
   * Call this after an answer was computed. Stores the question if its answer is worth serving, and records whether
   * `candidateAnswer`, the similar question's answer, was right.
   * - Also for answers that abstained: the candidate's answer was wrong then, and leaving those out would overrate the
   *   cache.
   * - Never rejects, and nobody waits for it.
   */
  learn(lookup: SemanticLookup, fresh: FreshAnswer, candidateAnswer: Answer | undefined): void
  /** The learned threshold; null while no answer is served yet. */
  threshold(): number | null
  /** Waits for pending writes, two seconds at most. */
  close(): Promise<void>
}

export interface SemanticCacheOptions {
  readonly store: SimilarQuestions
  readonly embed: Stage<AnalyzedQuestion, Embedded>
  /** The model of the vectors; evidence about one model says nothing about another. */
  readonly model: string
  /** A number fixes the threshold. */
  readonly mode: 'learn' | number
  readonly acceptedError: number
  readonly random?: () => number
  readonly log: RunLog
  readonly clock?: Clock
}

/**
 * Share of servable answers that are computed fresh and compared. This keeps the evidence current and reveals a changed
 * model or corpus, at the cost of one in twenty of the saved runs. vCache instead explores with a probability per
 * question, by the doubt about it; here the threshold bounds the doubt.
 */
const exploredShare = 0.05

const lookupMs = 300
/** Pause after a failed lookup: the database is probably down, and no request should wait to learn that again. */
const pauseMs = 1000
const sweepMs = 60_000
const maxWaiting = 200
const closeMs = 2000

const noMatch: SemanticLookup = Object.freeze({ entry: null, candidate: null, isTrusted: false })

/**
 * The semantic cache: finds the cached question that asks the same in other words, and decides whether its answer may
 * be served.
 */
export function createSemanticCache({
  store,
  embed,
  model,
  mode,
  acceptedError,
  random = Math.random,
  log,
  clock = systemClock,
}: SemanticCacheOptions): SemanticCache {
  const onFailure = (error: unknown, what: string) =>
    log.debug({ err: error, what }, 'semantic cache failed: continuing without it')
  const queue = createSerialQueue({ maxWaiting, onFailure, clock })
  const evidence =
    mode === 'learn'
      ? createEvidence({ read: () => store.observations(model), acceptedError, queue, clock, log })
      : null
  const similar = findSimilarIn(store, clock, onFailure)
  let sweptAt = clock.now()

  async function lookup(
    { text, language, collectionId, scope }: Parameters<SemanticCache['lookup']>[0],
    run: Run,
  ): Promise<SemanticLookup> {
    evidence?.refresh()
    const words = canonicalQuestion(text, language)
    const vector = words === null ? null : await vectorOf(text, language, run)
    if (words === null || vector === null) return noMatch
    const where = { scope, canonical: hash('sha256', `${language}\0${words}`, 'buffer'), model, vector }
    const found = await similar.nearest(where, run)
    // An identical question is skipped: its answer has just been looked for, and is gone.
    const candidate = found.find(({ question }) => normalised(question) !== normalised(text)) ?? null
    const { isTrusted, isObserved } = decide(candidate, threshold(), evidence, random)
    return { entry: { ...where, collectionId, isObserved }, candidate, isTrusted }
  }

  async function vectorOf(text: string, language: string, run: Run): Promise<Float32Array | null> {
    try {
      return (await embed(analyzeText(text, language), run)).vector
    } catch (error) {
      onFailure(error, 'embed')
      return null
    }
  }

  function learn(
    { entry, candidate }: SemanticLookup,
    { answer, ...fresh }: FreshAnswer,
    candidateAnswer: Answer | undefined,
  ): void {
    // A degraded answer is no reference for others. (A cache that is down takes nothing from an answer.)
    if (!entry || answer.degraded.some(each => each !== 'cache')) return
    if (!answer.abstained && fresh.seconds > 0) enqueue('keep', () => store.keep({ ...entry, ...fresh }))
    if (candidate && candidateAnswer && entry.isObserved) {
      enqueue('observe', () =>
        observe({ similarity: candidate.similarity, isRight: isSameAnswer(candidateAnswer, answer) }),
      )
    }
    sweepNowAndThen()
  }

  async function observe(observation: Observation): Promise<void> {
    await store.observe(model, observation)
    evidence?.add(observation)
  }

  function sweepNowAndThen(): void {
    if (clock.now() < sweptAt + sweepMs) return
    sweptAt = clock.now()
    enqueue('sweep', () => store.sweep())
  }

  function enqueue(what: string, work: () => Promise<void>): void {
    if (!similar.isPaused()) queue.add(what, work)
  }

  function threshold(): number | null {
    return evidence ? evidence.threshold() : (mode as number)
  }

  return { lookup, learn, threshold, close: () => queue.close(closeMs) }
}

/** Queries the store, with a pause after each failure. */
function findSimilarIn(store: SimilarQuestions, clock: Clock, onFailure: (error: unknown, what: string) => void) {
  let pausedUntil = -Infinity

  async function nearest(where: SemanticKey, run: Run): Promise<readonly SimilarQuestion[]> {
    const now = clock.now()
    if (now < pausedUntil) return []
    const limit = startDeadline('the semantic cache lookup', Math.min(lookupMs, run.deadline - now), run.signal, clock)
    try {
      limit.signal.throwIfAborted()
      return await Promise.race([store.nearest(where, { signal: limit.signal, label: 'near' }), limit.expired])
    } catch (error) {
      // A disconnected caller, or one without time, says nothing about the database.
      if (!run.signal.aborted && run.deadline - now >= lookupMs) pausedUntil = clock.now() + pauseMs
      onFailure(error, 'nearest')
      return []
    } finally {
      limit.stop()
    }
  }

  return { nearest, isPaused: () => clock.now() < pausedUntil }
}

/**
 * Decides whether the candidate is served, and whether it is compared with a fresh answer.
 * - Until a threshold is learned, everything is compared.
 * - After that only a share is: above the threshold because comparing costs an answer, below it because that evidence
 *   would push the rest out of the newest 5,000. The share is equal on both sides, so the evidence represents what is
 *   asked.
 * - While there are fewer than 5,000, everything below is compared: it can only make the error look larger, not
 *   smaller.
 */
function decide(
  candidate: SimilarQuestion | null,
  least: number | null,
  evidence: Evidence | null,
  random: () => number,
): { readonly isTrusted: boolean; readonly isObserved: boolean } {
  const isSimilar = candidate !== null && least !== null && candidate.similarity >= least
  if (!candidate || !evidence) return { isTrusted: isSimilar, isObserved: false }
  if (least === null) return { isTrusted: false, isObserved: true }
  const isExplored = random() < exploredShare
  return { isTrusted: isSimilar && !isExplored, isObserved: isExplored || (!isSimilar && !evidence.isFull()) }
}

/**
 * Whether one answer could have replaced the other. It is strict, because whatever counts as right here will be served.
 * - Both must cite the same chunks, in the same version of the documents.
 * - Quotes must also be equal to the letter, since two sentences of one chunk may answer two questions. A model words
 *   the same answer differently each time.
 * - An answer without a citation is no evidence, so it equals no other.
 */
export function isSameAnswer(a: Answer, b: Answer): boolean {
  if (a.abstained || b.abstained || a.generator !== b.generator) return false
  if (a.generator === 'extractive' && a.text !== b.text) return false
  const [ours, theirs] = [chunksCited(a), chunksCited(b)]
  return ours.size > 0 && ours.size === theirs.size && [...ours].every(each => theirs.has(each))
}

function chunksCited({ citations }: Answer): Set<string> {
  return new Set(citations.map(({ chunkId, version }) => `${chunkId} ${version}`))
}
