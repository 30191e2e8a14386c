import { fraction, integer, renamedFrom, setting, similarity } from '../kinds.ts'

export const cacheSettings = {
  answerCacheSeconds: setting(
    'ANSWER_CACHE_SECONDS',
    '300',
    'How long an answer is cached; `0`: not at all.',
    integer(0, 86_400),
  ),
  fastAnswerCacheSeconds: setting(
    'FAST_ANSWER_CACHE_SECONDS',
    '1800',
    'How long an answer in `fast` mode is cached; `0`: not at all.',
    integer(0, 86_400),
  ),
  abstentionCacheSeconds: setting(
    'ABSTENTION_CACHE_SECONDS',
    '30',
    'How long an abstention ("I can\'t find that") is cached; `0`: not at all.',
    integer(0, 86_400),
  ),
  staleIfErrorSeconds: setting(
    'STALE_IF_ERROR_SECONDS',
    '600',
    'How long after it expires a cached answer is still served while the model or the database is down; `0`: never.',
    integer(0, 86_400),
  ),
  answerCacheMb: setting(
    'ANSWER_CACHE_MB',
    '64',
    'Memory for cached answers; `0`: cached in Redis only.',
    integer(0, 65_536),
  ),
  embeddingCacheSeconds: setting(
    'EMBEDDING_CACHE_SECONDS',
    '3600',
    "How long a question's vector is cached.",
    integer(1, 86_400),
  ),
  embeddingCacheMb: setting(
    'EMBEDDING_CACHE_MB',
    '32',
    'Memory for cached question vectors; `0`: cached in Redis only.',
    integer(0, 65_536),
  ),
  semanticCache: renamedFrom(
    'NEAR_MATCHES',
    setting(
      'SEMANTIC_CACHE',
      'learn',
      'Reuse the cached answer of a question with the same meaning: `off`; a minimum similarity, such as `0.95`; or `learn`, which starts once enough comparisons show which similarity is safe.',
      similarity,
    ),
  ),
  semanticCacheError: renamedFrom(
    'NEAR_MATCH_ERROR',
    setting(
      'SEMANTIC_CACHE_ERROR',
      '0.01',
      'Acceptable share of wrong answers among those reused with `SEMANTIC_CACHE=learn`.',
      fraction(),
    ),
  ),
} as const
