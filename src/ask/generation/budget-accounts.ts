import type { BudgetScope, BudgetStatus, DayLimits, Payer, Tokens } from '../terms.ts'

export interface Prices {
  /** Per million tokens. */
  readonly prompt: number
  readonly completion: number
  readonly currency: string
}

/** A budget, and what is used of it on one day. */
export interface Account {
  readonly id: string
  readonly scope: BudgetScope
  readonly name: string | null
  limits: DayLimits
  /** Used by this process, with its calls in progress. */
  own: Tokens
  /** Used by the others, as last heard. */
  others: Tokens
  /** The highest threshold that was reported. */
  reached: number
}

/** A day (UTC). */
export interface Day {
  /** `YYYY-MM-DD` */
  readonly date: string
  readonly accounts: Map<string, Account>
}

export interface Limits {
  readonly service: DayLimits
  readonly collections: Readonly<Record<string, DayLimits>>
  /** Keys with a budget. Keys that get one later are added by their first question. */
  readonly keys?: readonly { readonly name: string; readonly limits: DayLimits }[]
}

export const nothing: Tokens = { promptTokens: 0, completionTokens: 0 }

const dayMs = 86_400_000
const unused = { own: nothing, others: nothing, reached: 0 } as const

const keptDays = 3

/** The accounts of today. They begin at zero at midnight; calls in progress settle with the day on which they began. */
export function createDays({ service, collections, keys = [] }: Limits, now: () => number): () => Day {
  const accounts = [
    ...(Object.keys(service).length > 0 ? [openAccount('service', null, service)] : []),
    ...Object.entries(collections).map(([name, limits]) => openAccount('collection', name, limits)),
    ...keys.map(({ name, limits }) => openAccount('key', name, limits)),
  ]
  let day: Day = { date: dateOf(now()), accounts: new Map(accounts.map(account => [account.id, account])) }
  const earlier = new Map<string, Day>()
  return () => {
    const date = dateOf(now())
    if (date === day.date) return day
    // A clock that is set back finds what its day has used, not a fresh budget.
    earlier.set(day.date, day)
    const [oldest] = earlier.keys()
    if (earlier.size > keptDays && oldest !== undefined) earlier.delete(oldest)
    const fresh = () => new Map([...day.accounts].map(([id, account]) => [id, { ...account, ...unused }]))
    day = earlier.get(date) ?? { date, accounts: fresh() }
    earlier.delete(date)
    return day
  }
}

/** The budgets that pay for a call. */
export function accountsOf({ key, collection }: Payer, day: Day): readonly Account[] {
  const found = [day.accounts.get('service'), day.accounts.get(idOf('collection', collection ?? ''))]
  if (key) found.push(keyAccount(key, day))
  return found.filter(each => each !== undefined)
}

/** Keys may be reloaded with other limits. */
export function keyAccount({ name, limits }: NonNullable<Payer['key']>, { accounts }: Day): Account {
  const account = accounts.get(idOf('key', name)) ?? openAccount('key', name, limits)
  accounts.set(account.id, account)
  const isChanged = account.limits.tokens !== limits.tokens || account.limits.cost !== limits.cost
  if (isChanged) Object.assign(account, { limits, reached: 0 })
  return account
}

export function spend(accounts: readonly Account[], used: Tokens): void {
  for (const account of accounts) account.own = plus(account.own, used)
}

export function totalOf({ own, others }: Account): Tokens {
  return plus(own, others)
}

/** Never below zero: others may have settled since. */
export function hear({ id }: Account, totals: ReadonlyMap<string, Tokens>, own: Tokens): Tokens {
  const { promptTokens, completionTokens } = minus(totals.get(id) ?? nothing, own)
  return { promptTokens: Math.max(0, promptTokens), completionTokens: Math.max(0, completionTokens) }
}

export function isUsedUp(
  spent: Tokens,
  { tokens = Infinity, cost = Infinity }: DayLimits,
  prices: Prices | null,
): boolean {
  return tokensOf(spent) >= tokens || costOf(spent, prices) >= cost
}

export function statusOf(account: Account, date: string, prices: Prices | null): BudgetStatus[] {
  const {
    scope,
    name,
    limits: { tokens, cost },
  } = account
  const base = { scope, name, resetsAt: new Date(nextDay(date)).toISOString() }
  const total = totalOf(account)
  return [
    ...(tokens === undefined ? [] : [{ ...base, unit: 'tokens', used: tokensOf(total), limit: tokens }]),
    ...(cost === undefined || !prices
      ? []
      : [{ ...base, unit: prices.currency, used: toMillionth(costOf(total, prices)), limit: cost }]),
  ]
}

/** In milliseconds since 1970. */
export function nextDay(date: string): number {
  return Date.parse(date) + dayMs
}

export function times(tokens: Tokens, factor: number): Tokens {
  return { promptTokens: tokens.promptTokens * factor, completionTokens: tokens.completionTokens * factor }
}

export function minus(a: Tokens, b: Tokens): Tokens {
  return {
    promptTokens: a.promptTokens - b.promptTokens,
    completionTokens: a.completionTokens - b.completionTokens,
  }
}

function plus(a: Tokens, b: Tokens): Tokens {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  }
}

function tokensOf({ promptTokens, completionTokens }: Tokens): number {
  return promptTokens + completionTokens
}

function costOf({ promptTokens, completionTokens }: Tokens, prices: Prices | null): number {
  return prices ? (promptTokens * prices.prompt + completionTokens * prices.completion) / 1e6 : 0
}

function openAccount(scope: BudgetScope, name: string | null, limits: DayLimits): Account {
  return { id: idOf(scope, name), scope, name, limits, ...unused }
}

function idOf(scope: BudgetScope, name: string | null): string {
  return name === null ? scope : `${scope}:${name}`
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function toMillionth(cost: number): number {
  return Math.round(cost * 1e6) / 1e6
}
