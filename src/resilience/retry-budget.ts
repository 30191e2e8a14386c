/**
 * How many calls may be made twice: where everything fails, repeating it is more of what ails the server. The token
 * bucket of the AWS SDKs: 500 to begin with, a retry costs 5, one after a time-out 10, a call that went well at the
 * first try gives 1 back.
 */
export interface RetryBudget {
  spend(cost: number): boolean
  earn(): void
}

const capacity = 500
export const retryCost = 5
export const timeoutRetryCost = 10

export function createRetryBudget(): RetryBudget {
  let left = capacity
  return {
    spend(cost) {
      if (left < cost) return false
      left -= cost
      return true
    },
    earn: () => void (left = Math.min(capacity, left + 1)),
  }
}
