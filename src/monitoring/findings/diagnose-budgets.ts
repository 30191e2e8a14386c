import type { BudgetStatus } from '../../ask/terms/usage.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './findings.ts'

const nearly = 0.8

/** One finding for the budgets that are used up, and one for those that nearly are. */
export function diagnoseBudgets({ budgets }: Pick<Facts, 'budgets'>): Finding[] {
  const full = budgets.filter(({ used, limit }) => used >= limit)
  const nearlyFull = budgets.filter(({ used, limit }) => used >= nearly * limit && used < limit)
  const finding = (severity: Finding['severity'], code: string, detail: string): Finding => ({
    culprit: 'limits',
    severity,
    code,
    detail,
  })
  return [
    ...(full.length === 0
      ? []
      : [
          finding(
            // A key that has used up its own budget is no fault of the service.
            full.every(({ scope }) => scope === 'key') ? 'info' : 'warning',
            'budget-used-up',
            `A daily budget is used up: ${listed(full)}. Its questions get quoted sentences until ${full[0]!.resetsAt}; raise the budget to end that sooner.`,
          ),
        ]),
    ...(nearlyFull.length === 0
      ? []
      : [
          finding(
            'info',
            'budget-nearly-used-up',
            `A daily budget is nearly used up: ${listed(nearlyFull)}. Once it is, its questions get quoted sentences until ${nearlyFull[0]!.resetsAt}.`,
          ),
        ]),
  ]
}

const listedAtMost = 5

function listed(budgets: readonly BudgetStatus[]): string {
  const shown = budgets
    .slice(0, listedAtMost)
    .map(
      ({ scope, name, unit, used, limit }) =>
        `${name === null ? `the ${scope}` : `${scope} ${name}`} (${used} of ${limit} ${unit})`,
    )
  const more = budgets.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
