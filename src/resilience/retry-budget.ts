/**
 * Limits retries, because retrying calls to a server that fails everything only adds load. This is the token bucket of
 * the AWS SDKs: it starts with 500 tokens. A retry costs 5, and a call that succeeds on the first try earns 1.
 */
export interface RetryBudget {
  spend(cost: number): boolean
  earn(): void
}

const capacity = 500
export const retryCost = 5

export function createRetryBudget(): RetryBudget {
  let tokens = capacity
  return {
    spend(cost) {
      if (tokens < cost) return false
      tokens -= cost
      return true
    },
    earn: () => void (tokens = Math.min(capacity, tokens + 1)),
  }
}
