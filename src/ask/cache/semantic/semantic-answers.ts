import type { CacheKey } from '../cache-key.ts'
import { ageOf, type CachedAnswer } from '../freshness.ts'
import type { CacheEvents, AnswerCache } from '../answer-cache.ts'
import type { SemanticCache, SemanticLookup } from './semantic-cache.ts'
import { asCached } from '../replay.ts'
import type { Answer } from '../../terms/answer.ts'
import type { CacheTier } from '../../terms/caching.ts'
import type { AskedCollection } from '../../terms/collection.ts'
import type { Question } from '../../terms/question.ts'
import type { Run } from '../../terms/run.ts'
import { analyzeQuestion } from '../../retrieval/analyze-question.ts'
import { mayBeInOtherLetters } from '../../retrieval/respell.ts'

export interface SemanticQuestion {
  readonly question: Question
  readonly collection: AskedCollection
  readonly cacheKey: CacheKey
}

/** The match for a question in the semantic cache. */
export interface SemanticMatch {
  readonly lookup: SemanticLookup
  /** The matched question's answer, if it may be served. */
  readonly answer: Answer | null
  /** The matched question's answer in any case, to be compared with the fresh one. */
  readonly candidate: Answer | undefined
}

export interface SemanticAnswers {
  /** Not a stage: most of its time is the embedding, which is one. Null when the semantic cache does not apply. */
  readonly lookup: (asked: SemanticQuestion, run: Run) => Promise<SemanticMatch | null>
  learn(
    match: SemanticMatch,
    fresh: { readonly key: string; readonly question: Question; readonly answer: Answer; readonly seconds: number },
  ): void
}

/**
 * Serves cached answers of similar questions. Only for questions without history: the words of a follow-up do not carry
 * its full meaning.
 */
export function semanticAnswersFrom(
  semanticCache: SemanticCache,
  answers: AnswerCache,
  events: CacheEvents,
  now: () => number,
): SemanticAnswers {
  async function findMatch(
    { question, collection, cacheKey }: SemanticQuestion,
    run: Run,
  ): Promise<SemanticMatch | null> {
    if (question.history.length > 0 || collection.caching.near === false) return null
    // What it asks is known only after a look at the documents' words, which costs as much as the cache saves.
    if (mayBeInOtherLetters(question, collection)) return null
    const { text, language } = analyzeQuestion(question, collection)
    const lookup = await semanticCache.lookup(
      { text, language, collectionId: collection.id, scope: Buffer.from(cacheKey.scope, 'base64url') },
      run,
    )
    const cached = lookup.candidate ? await answers.find(lookup.candidate.key) : undefined
    const isServed =
      lookup.isTrusted && lookup.candidate !== null && cached !== undefined && cached.value.freshUntil >= now()
    return {
      lookup,
      answer: isServed ? serve(cached.value, cached.tier, lookup.candidate) : null,
      candidate: cached?.value.answer,
    }
  }

  function serve(
    found: CachedAnswer,
    tier: CacheTier,
    { similarity, question }: NonNullable<SemanticLookup['candidate']>,
  ): Answer {
    events.answerReused('near', tier, found)
    const rounded = Math.round(similarity * 1e4) / 1e4
    return asCached(found.answer, { status: 'near', tier, age: ageOf(found, now()), similarity: rounded, question })
  }

  function learn(
    { lookup, candidate }: SemanticMatch,
    { question, ...fresh }: Parameters<SemanticAnswers['learn']>[1],
  ): void {
    semanticCache.learn(lookup, { ...fresh, question: question.text }, candidate)
  }

  return { lookup: findMatch, learn }
}
