import type { CacheKey } from '../cache-key.ts'
import { ageOf, type CachedAnswer } from '../freshness.ts'
import type { CacheCounts, AnswerCache } from '../answer-cache.ts'
import type { SemanticCache, SemanticLookup } from './semantic-cache.ts'
import { asCached } from '../replay.ts'
import type { Answer, AskedCollection, CacheTier, Question, Run } from '../../terms.ts'
import { analyzeQuestion } from '../../retrieval/analyze-question.ts'

export interface CacheableQuestion {
  readonly question: Question
  readonly collection: AskedCollection
  readonly place: CacheKey
}

/** What was found of a near question. */
export interface SemanticMatch {
  readonly look: SemanticLookup
  /** Its answer, if that may be given. */
  readonly answer: Answer | null
  /** Its answer, whether or not; to be compared with the one that is made now. */
  readonly candidate: Answer | undefined
}

export interface SemanticAnswers {
  /** No stage of its own: most of it is the embedding, which is one. Null: near questions have no say here. */
  readonly lookup: (asked: CacheableQuestion, run: Run) => Promise<SemanticMatch | null>
  learn(
    seen: SemanticMatch,
    fresh: { readonly key: string; readonly question: Question; readonly answer: Answer; readonly seconds: number },
  ): void
}

/** Answers of near questions, out of those that are kept. Only for a question that stands alone: what a follow-up means, its words do not say. */
export function semanticAnswersFrom(
  near: SemanticCache,
  kept: AnswerCache,
  counts: CacheCounts,
  now: () => number,
): SemanticAnswers {
  async function look({ question, collection, place }: CacheableQuestion, run: Run): Promise<SemanticMatch | null> {
    if (question.history.length > 0 || collection.caching.near === false) return null
    const { text, language } = analyzeQuestion(question, collection)
    const look = await near.lookup(
      { text, language, collectionId: collection.id, scope: Buffer.from(place.scope, 'base64url') },
      run,
    )
    const kin = look.candidate ? await kept.find(look.candidate.key) : null
    const isGiven = look.isTrusted && look.candidate !== null && kin !== null && kin.found.freshUntil >= now()
    return { look, answer: isGiven ? give(kin.found, kin.tier, look.candidate) : null, candidate: kin?.found.answer }
  }

  function give(
    found: CachedAnswer,
    tier: CacheTier,
    { similarity, question }: NonNullable<SemanticLookup['candidate']>,
  ): Answer {
    counts.served('near', tier, found)
    const rounded = Math.round(similarity * 1e4) / 1e4
    return asCached(found.answer, { status: 'near', tier, age: ageOf(found, now()), similarity: rounded, question })
  }

  function learn(
    { look, candidate }: SemanticMatch,
    { question, ...fresh }: Parameters<SemanticAnswers['learn']>[1],
  ): void {
    near.learn(look, { ...fresh, question: question.text }, candidate)
  }

  return { lookup: look, learn }
}
