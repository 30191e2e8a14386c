import type { Place } from '../cache-key.ts'
import { ageOf, type Remembered } from '../freshness.ts'
import type { CacheCounts, KeptAnswers } from '../answer-cache.ts'
import type { Near, NearLook } from './semantic-cache.ts'
import { again } from '../replay.ts'
import type { Answer, AskedCollection, CacheTier, Question, Run } from '../../terms.ts'
import { understand } from '../../retrieval/analyze-question.ts'

export interface AskedNear {
  readonly question: Question
  readonly collection: AskedCollection
  readonly place: Place
}

/** What was found of a near question. */
export interface Seen {
  readonly look: NearLook
  /** Its answer, if that may be given. */
  readonly answer: Answer | null
  /** Its answer, whether or not; to be compared with the one that is made now. */
  readonly candidate: Answer | undefined
}

export interface NearAnswers {
  /** No stage of its own: most of it is the embedding, which is one. Null: near questions have no say here. */
  readonly look: (asked: AskedNear, run: Run) => Promise<Seen | null>
  learn(
    seen: Seen,
    fresh: { readonly key: string; readonly question: Question; readonly answer: Answer; readonly seconds: number },
  ): void
}

/** Answers of near questions, out of those that are kept. Only for a question that stands alone: what a follow-up means, its words do not say. */
export function nearAnswersFrom(near: Near, kept: KeptAnswers, counts: CacheCounts, now: () => number): NearAnswers {
  async function look({ question, collection, place }: AskedNear, run: Run): Promise<Seen | null> {
    if (question.history.length > 0 || collection.caching.near === false) return null
    const { text, language } = understand(question, collection)
    const look = await near.look(
      { text, language, collectionId: collection.id, partition: Buffer.from(place.partition, 'base64url') },
      run,
    )
    const kin = look.candidate ? await kept.find(look.candidate.key) : null
    const isGiven = look.isTrusted && look.candidate !== null && kin !== null && kin.found.freshUntil >= now()
    return { look, answer: isGiven ? give(kin.found, kin.tier, look.candidate) : null, candidate: kin?.found.answer }
  }

  function give(
    found: Remembered,
    tier: CacheTier,
    { similarity, question }: NonNullable<NearLook['candidate']>,
  ): Answer {
    counts.given('near', tier, found)
    const rounded = Math.round(similarity * 1e4) / 1e4
    return again(found.answer, { status: 'near', tier, age: ageOf(found, now()), similarity: rounded, question })
  }

  function learn({ look, candidate }: Seen, { question, ...fresh }: Parameters<NearAnswers['learn']>[1]): void {
    near.learn(look, { ...fresh, question: question.text }, candidate)
  }

  return { look, learn }
}
