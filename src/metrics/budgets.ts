import type { BudgetScope, BudgetStatus } from '../ask/terms/usage.ts'
import type { Subscriber } from '../events.ts'
import type { Kit } from './kit.ts'

const scopes: readonly BudgetScope[] = ['service', 'key', 'collection']

/** Daily budgets, by scope: the names of keys and collections may be many, and are in /monitoring/performance-metrics. */
export function budgetMetrics(kit: Kit) {
  const exceeded = kit.counter(
    'budget_exceeded_total',
    'Calls to models that were not made because a daily budget is used up.',
    { scope: scopes },
  )

  function watchBudgets(status: () => readonly BudgetStatus[]): void {
    kit.gauges(
      'budget_used_ratio',
      'Used share of the daily budget; of several keys or collections, the highest. Absent without a budget.',
      ['scope'],
      set => {
        const ratios = Map.groupBy(status(), ({ scope }) => scope)
        for (const [scope, budgets] of ratios) set(Math.max(...budgets.map(({ used, limit }) => used / limit)), scope)
      },
    )
  }

  const subscriber: Subscriber = { dailyBudgetExceeded: scope => exceeded(scope).add() }
  return { subscriber, watchBudgets }
}
