import type { RedisServer } from '../adapters/redis/redis.ts'
import { createSharedSpending } from '../adapters/redis/shared-spending.ts'
import { createBudgets, type Budgets } from '../ask/generation/budgets.ts'
import type { Config } from '../config/terms.ts'
import type { Events } from '../events.ts'

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
