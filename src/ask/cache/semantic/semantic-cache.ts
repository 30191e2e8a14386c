import { hash } from 'node:crypto'
import { startDeadline, systemClock, type Clock } from '../../../resilience/deadline.ts'
import { createSerialQueue } from '../../../resilience/serial-queue.ts'
import { canonicalQuestion } from '../../../text/canonical/canonical.ts'
import { normalised } from '../cache-key.ts'
import type { Embedded } from '../../retrieval/embed.ts'
import { createEvidence } from './evidence.ts'
import type { Observation } from './threshold.ts'
import type { Stage } from '../../stage.ts'
import type { Answer, Run, RunLog, AnalyzedQuestion } from '../../terms.ts'
import { analyzeText } from '../../retrieval/analyze-question.ts'

export interface SimilarQuestion {
  /** Of its answer, in the answer cache. */
  readonly key: string
  readonly question: string
  /** Cosine of the two questions' vectors, −1…1. */
  readonly similarity: number
}

/** What must be equal for two questions to be near at all. */
export interface SemanticKey {
  readonly scope: Buffer
  /** A digest: language and content words. */
  readonly canonical: Buffer
  readonly model: string
  readonly vector: Float32Array
}

/** The store; see adapters/postgres/store/similar-questions.ts. Every method may reject. */
export interface SimilarQuestions {
  /** Best first, at most three, none that has expired. */
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
  /** The newest 5,000 that are of the model, oldest first. */
  observations(model: string): Promise<readonly Observation[]>
  /** Deletes what has expired and surplus observations. */
  sweep(): Promise<void>
}

export interface SemanticLookup {
  /** What a later `learn` needs; null when the question cannot be matched at all: no vector, or no content word. */
  readonly place: (SemanticKey & { readonly collectionId: number; readonly isObserved: boolean }) | null
  /** The nearest cached question of the same gist. */
  readonly candidate: SimilarQuestion | null
  /** The candidate's answer may be given. */
  readonly isTrusted: boolean
}

export interface FreshAnswer {
  readonly key: string
  readonly question: string
  readonly answer: Answer
  /** How long the answer is kept. */
  readonly seconds: number
}

export interface SemanticCache {
  /** Never rejects; none where anything fails or takes too long. */
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
   * After an answer was made: remembers the question where the answer is worth giving, and whether `candidateAnswer`, what
   * the near question would have given, was right. An answer that abstained belongs here too: the candidate's was wrong
   * then, and who leaves those out learns that near answers are better than they are. Never rejects, nobody waits for it.
   */
  learn(look: SemanticLookup, fresh: FreshAnswer, candidateAnswer: Answer | undefined): void
  /** Null: none is given yet. */
  threshold(): number | null
  /** Waits for what is being written, two seconds at the most. */
  close(): Promise<void>
}

export interface SemanticCacheOptions {
  readonly store: SimilarQuestions
  readonly embed: Stage<AnalyzedQuestion, Embedded>
  /** Whose vectors; what is learned of one model says nothing of another. */
  readonly model: string
  /** A number: the threshold, fixed. */
  readonly mode: 'learn' | number
  readonly acceptedError: number
  readonly random?: () => number
  readonly log: RunLog
  readonly clock?: Clock
}

/**
 * Of the answers that could be given, this share is made afresh and compared. So the evidence stays fresh, and a model or
 * a corpus that changed is found out; it costs one in twenty of what near answers save. (vCache explores with a
 * probability of its own for every question, by the doubt about it; here the doubt is bounded by the threshold.)
 */
const explored = 0.05

const lookMs = 300
/** After a look that failed: the database is away, and no request should wait to learn it again. */
const restMs = 1000
const sweepMs = 60_000
const maxWaiting = 200
const closeMs = 2000

const nothing: SemanticLookup = Object.freeze({ place: null, candidate: null, isTrusted: false })

/** Near questions: which cached question says the same in other words, and whether its answer may be given. */
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
  const inTurn = createSerialQueue({ maxWaiting, onFailure, clock })
  const evidence =
    mode === 'learn'
      ? createEvidence({ read: () => store.observations(model), acceptedError, inTurn, clock, log })
      : null
  let restsUntil = -Infinity
  let sweptAt = clock.now()

  async function look(
    { text, language, collectionId, scope }: Parameters<SemanticCache['lookup']>[0],
    run: Run,
  ): Promise<SemanticLookup> {
    evidence?.refresh()
    const words = canonicalQuestion(text, language)
    const vector = words === null ? null : await vectorOf(text, language, run)
    if (words === null || vector === null) return nothing
    const where = { scope, canonical: hash('sha256', `${language}\0${words}`, 'buffer'), model, vector }
    const found = await nearest(where, run)
    // The same question again: its answer has just been looked for, and is gone.
    const candidate = found.find(({ question }) => normalised(question) !== normalised(text)) ?? null
    const { isTrusted, isObserved } = judged(candidate)
    return { place: { ...where, collectionId, isObserved }, candidate, isTrusted }
  }

  async function vectorOf(text: string, language: string, run: Run): Promise<Float32Array | null> {
    try {
      return (await embed(analyzeText(text, language), run)).vector
    } catch (error) {
      onFailure(error, 'embed')
      return null
    }
  }

  async function nearest(where: SemanticKey, run: Run): Promise<readonly SimilarQuestion[]> {
    const now = clock.now()
    if (now < restsUntil) return []
    const limit = startDeadline('the semantic cache lookup', Math.min(lookMs, run.deadline - now), run.signal, clock)
    try {
      limit.signal.throwIfAborted()
      return await Promise.race([store.nearest(where, { signal: limit.signal, label: 'near' }), limit.expired])
    } catch (error) {
      // Who left, or had no time, says nothing about the database.
      if (!run.signal.aborted && run.deadline - now >= lookMs) restsUntil = clock.now() + restMs
      onFailure(error, 'nearest')
      return []
    } finally {
      limit.stop()
    }
  }

  /**
   * Until a threshold is learned everything is compared. After that only a share, above it because comparing costs an
   * answer, and below it because evidence from there would drive the rest out of the newest 5,000: the share is the
   * same, so that what is kept stands for what is asked. Until there are so many, all from below is welcome: it can make
   * the error look larger, not smaller.
   */
  function judged(candidate: SimilarQuestion | null): { readonly isTrusted: boolean; readonly isObserved: boolean } {
    const least = threshold()
    const isNear = candidate !== null && least !== null && candidate.similarity >= least
    if (!candidate || !evidence) return { isTrusted: isNear, isObserved: false }
    if (least === null) return { isTrusted: false, isObserved: true }
    const isExplored = random() < explored
    return { isTrusted: isNear && !isExplored, isObserved: isExplored || (!isNear && !evidence.isFull()) }
  }

  function learn(
    { place, candidate }: SemanticLookup,
    { answer, ...fresh }: FreshAnswer,
    candidateAnswer: Answer | undefined,
  ): void {
    // Short of what it should be, it is no measure for others. (A cache that is away takes nothing from an answer.)
    if (!place || answer.degraded.some(each => each !== 'cache')) return
    if (!answer.abstained && fresh.seconds > 0) later('keep', () => store.keep({ ...place, ...fresh }))
    if (candidate && candidateAnswer && place.isObserved) {
      later('observe', () =>
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
    later('sweep', () => store.sweep())
  }

  function later(what: string, work: () => Promise<void>): void {
    if (clock.now() >= restsUntil) inTurn.add(what, work)
  }

  function threshold(): number | null {
    return evidence ? evidence.threshold() : (mode as number)
  }

  return { lookup: look, learn, threshold, close: () => inTurn.close(closeMs) }
}

/**
 * Whether one answer would have done for the other. Strict, because what counts as right here will be given: both must
 * cite the same places, in the same version of the documents. Quotes must be the same to the letter as well, for two
 * questions may be answered by two sentences of one place; a model words the same thing anew each time. An answer
 * without a citation is evidence of nothing, and so not the same as another.
 */
export function isSameAnswer(a: Answer, b: Answer): boolean {
  if (a.abstained || b.abstained || a.generator !== b.generator) return false
  if (a.generator === 'extractive' && a.text !== b.text) return false
  const [ours, theirs] = [placesCited(a), placesCited(b)]
  return ours.size > 0 && ours.size === theirs.size && [...ours].every(each => theirs.has(each))
}

function placesCited({ citations }: Answer): Set<string> {
  return new Set(citations.map(({ chunkId, version }) => `${chunkId} ${version}`))
}
