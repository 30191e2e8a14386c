import { hash } from 'node:crypto'
import { startDeadline, systemClock, type Clock } from '../../../resilience/deadline.ts'
import { createInTurn } from '../../../resilience/in-turn.ts'
import { gist } from '../../../text/canonical/canonical.ts'
import { normalised } from '../cache-key.ts'
import type { Embedded } from '../../retrieval/embed.ts'
import { createEvidence } from './evidence.ts'
import type { Observation } from './threshold.ts'
import type { Stage } from '../../stage.ts'
import type { Answer, Run, RunLog, Understood } from '../../terms.ts'
import { read } from '../../retrieval/analyze-question.ts'

export interface NearQuestion {
  /** Of its answer, in the answer cache. */
  readonly key: string
  readonly question: string
  /** Cosine of the two questions' vectors, −1…1. */
  readonly similarity: number
}

/** What must be equal for two questions to be near at all. */
export interface NearPlace {
  readonly partition: Buffer
  /** A digest: language and content words. */
  readonly gist: Buffer
  readonly model: string
  readonly vector: Float32Array
}

/** The store; see adapters/postgres/store/similar-questions.ts. Every method may reject. */
export interface NearQuestions {
  /** Best first, at most three, none that has expired. */
  nearest(
    where: NearPlace,
    terms: { readonly signal: AbortSignal; readonly label: string },
  ): Promise<readonly NearQuestion[]>
  keep(
    question: NearPlace & {
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

export interface NearLook {
  /** What a later `learn` needs; null when the question cannot be matched at all: no vector, or no content word. */
  readonly place: (NearPlace & { readonly collectionId: number; readonly isObserved: boolean }) | null
  /** The nearest cached question of the same gist. */
  readonly candidate: NearQuestion | null
  /** The candidate's answer may be given. */
  readonly isTrusted: boolean
}

export interface Fresh {
  readonly key: string
  readonly question: string
  readonly answer: Answer
  /** How long the answer is kept. */
  readonly seconds: number
}

export interface Near {
  /** Never rejects; none where anything fails or takes too long. */
  look(
    question: {
      readonly text: string
      readonly language: string
      readonly collectionId: number
      readonly partition: Buffer
    },
    run: Run,
  ): Promise<NearLook>
  /**
   * After an answer was made: remembers the question where the answer is worth giving, and whether `candidateAnswer`, what
   * the near question would have given, was right. An answer that abstained belongs here too: the candidate's was wrong
   * then, and who leaves those out learns that near answers are better than they are. Never rejects, nobody waits for it.
   */
  learn(look: NearLook, fresh: Fresh, candidateAnswer: Answer | undefined): void
  /** Null: none is given yet. */
  threshold(): number | null
  /** Waits for what is being written, two seconds at the most. */
  close(): Promise<void>
}

export interface NearOptions {
  readonly store: NearQuestions
  readonly embed: Stage<Understood, Embedded>
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

const nothing: NearLook = Object.freeze({ place: null, candidate: null, isTrusted: false })

/** Near questions: which cached question says the same in other words, and whether its answer may be given. */
export function createNear({
  store,
  embed,
  model,
  mode,
  acceptedError,
  random = Math.random,
  log,
  clock = systemClock,
}: NearOptions): Near {
  const onFailure = (error: unknown, what: string) =>
    log.debug({ err: error, what }, 'near questions: going on without')
  const inTurn = createInTurn({ maxWaiting, onFailure, clock })
  const evidence =
    mode === 'learn'
      ? createEvidence({ read: () => store.observations(model), acceptedError, inTurn, clock, log })
      : null
  let restsUntil = -Infinity
  let sweptAt = clock.now()

  async function look(
    { text, language, collectionId, partition }: Parameters<Near['look']>[0],
    run: Run,
  ): Promise<NearLook> {
    evidence?.refresh()
    const words = gist(text, language)
    const vector = words === null ? null : await vectorOf(text, language, run)
    if (words === null || vector === null) return nothing
    const where = { partition, gist: hash('sha256', `${language}\0${words}`, 'buffer'), model, vector }
    const found = await nearest(where, run)
    // The same question again: its answer has just been looked for, and is gone.
    const candidate = found.find(({ question }) => normalised(question) !== normalised(text)) ?? null
    const { isTrusted, isObserved } = judged(candidate)
    return { place: { ...where, collectionId, isObserved }, candidate, isTrusted }
  }

  async function vectorOf(text: string, language: string, run: Run): Promise<Float32Array | null> {
    try {
      return (await embed(read(text, language), run)).vector
    } catch (error) {
      onFailure(error, 'embed')
      return null
    }
  }

  async function nearest(where: NearPlace, run: Run): Promise<readonly NearQuestion[]> {
    const now = clock.now()
    if (now < restsUntil) return []
    const limit = startDeadline('the look for near questions', Math.min(lookMs, run.deadline - now), run.signal, clock)
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
  function judged(candidate: NearQuestion | null): { readonly isTrusted: boolean; readonly isObserved: boolean } {
    const least = threshold()
    const isNear = candidate !== null && least !== null && candidate.similarity >= least
    if (!candidate || !evidence) return { isTrusted: isNear, isObserved: false }
    if (least === null) return { isTrusted: false, isObserved: true }
    const isExplored = random() < explored
    return { isTrusted: isNear && !isExplored, isObserved: isExplored || (!isNear && !evidence.isFull()) }
  }

  function learn(
    { place, candidate }: NearLook,
    { answer, ...fresh }: Fresh,
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

  return { look, learn, threshold, close: () => inTurn.close(closeMs) }
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
