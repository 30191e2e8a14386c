/** What models use, and the daily budgets of it. */

export interface Usage {
  readonly llmCalls: number
  readonly promptTokens: number
  readonly completionTokens: number
}

export const noUsage: Usage = Object.freeze({ llmCalls: 0, promptTokens: 0, completionTokens: 0 })

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    llmCalls: a.llmCalls + b.llmCalls,
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  }
}

/** Tokens of calls to the language model. */
export type Tokens = Pick<Usage, 'promptTokens' | 'completionTokens'>

/** What models have used of a budget. */
export interface Spending extends Tokens {
  /** Cost of embedding and reranking in billionths of the currency: whole numbers add up exactly. */
  readonly otherCost: number
}

/** What a budget allows per day (UTC), as tokens, money or both. */
export interface DayLimits {
  /** Of the language model. */
  readonly tokens?: number
  /** Of all models with a price, in the currency of the prices. */
  readonly cost?: number
}

export type BudgetScope = 'service' | 'key' | 'collection'

/** Whose budgets pay for calls to models, besides that of the service. */
export interface Payer {
  /** Absent for a key without a budget. */
  readonly key?: { readonly name: string; readonly limits: DayLimits }
  readonly collection?: string
}

/** A daily limit and what is used of it. */
export interface BudgetStatus {
  readonly scope: BudgetScope
  /** Of the key or the collection; null for the service. */
  readonly name: string | null
  /** `tokens`, or a currency. */
  readonly unit: string
  /** Includes calls in progress, at their estimate. */
  readonly used: number
  readonly limit: number
  /** ISO 8601. */
  readonly resetsAt: string
}
