import type { RedisServer } from '../adapters/redis/redis.ts'
import { createSharedSpending } from '../adapters/redis/shared-spending.ts'
import { createBudgets, type Budgets } from '../ask/generation/budgets.ts'
import { chargeChat, chargeEmbedder, chargeReranker } from '../ask/generation/charge.ts'
import type { Config } from '../config/terms.ts'
import type { Events } from '../events.ts'
import type { Guarded } from './guards.ts'

/** The budgets of the settings and of the keys, counted in Redis where there is one. */
export function budgetsOf(
  { budgets, keys, models }: Pick<Config, 'budgets' | 'keys' | 'models'>,
  redis: RedisServer | undefined,
  events: Events,
): Budgets {
  return createBudgets({
    ...budgets,
    keys: keys.flatMap(({ name, budget: limits }) => (limits ? [{ name, limits }] : [])),
    prices: models.prices,
    shared: redis ? createSharedSpending(redis) : null,
    events,
    now: () => Date.now(),
  })
}

type Charged = Pick<Guarded, 'models' | 'reranker'>

/** The models, charged to the budgets. An embedding model or reranker without a price, or in this process, is free. */
export function charged(
  { models, reranker }: Charged,
  { prices }: Pick<Config['models'], 'prices'>,
  budgets: Budgets,
): Charged {
  const { embedding = 0, rerank = 0, rerankCall = 0 } = prices ?? {}
  const { chat, embedder, isEmbedderRemote, sentTokens } = models
  const embeddingPrice = { perMillion: embedding, tokensOf: (text: string) => sentTokens(text, 'query') }
  const isRerankPaid = (rerank > 0 || rerankCall > 0) && !reranker?.isInProcess
  return {
    models: {
      ...models,
      chat: chat && chargeChat(chat, budgets),
      embedder: isEmbedderRemote && embedding > 0 ? chargeEmbedder(embedder, embeddingPrice, budgets) : embedder,
    },
    reranker:
      reranker && isRerankPaid
        ? chargeReranker(reranker, { perMillion: rerank, perCall: rerankCall }, budgets)
        : reranker,
  }
}
