import type { BudgetScope, BudgetStatus, DayLimits, Payer, Spending, Tokens } from '../terms/usage.ts'

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
  own: Spending
  /** The part of `own` that is only the estimate of calls in progress. */
  aside: Spending
  /** Used by the others, as last heard. */
  others: Spending
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

export const nothing: Spending = { promptTokens: 0, completionTokens: 0, otherCost: 0 }

const dayMs = 86_400_000
const unused = { own: nothing, aside: nothing, others: nothing, reached: 0 } as const

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

/** The budgets that pay for a call: those that limit something it uses. */
export function accountsOf({ key, collection }: Payer, day: Day, call: Spending): readonly Account[] {
  const found = [day.accounts.get('service'), day.accounts.get(idOf('collection', collection ?? ''))]
  if (key) found.push(keyAccount(key, day))
  return found.filter(each => each !== undefined && (tokensOf(call) > 0 || each.limits.cost !== undefined)) as Account[]
}

/** Keys may be reloaded with other limits. */
export function keyAccount({ name, limits }: NonNullable<Payer['key']>, { accounts }: Day): Account {
  const account = accounts.get(idOf('key', name)) ?? openAccount('key', name, limits)
  accounts.set(account.id, account)
  const isChanged = account.limits.tokens !== limits.tokens || account.limits.cost !== limits.cost
  if (isChanged) Object.assign(account, { limits, reached: 0 })
  return account
}

export function spend(accounts: readonly Account[], used: Spending): void {
  for (const account of accounts) account.own = plus(account.own, used)
}

/** Sets an estimate aside, or takes it back with `minus(nothing, estimate)`. */
export function setAside(accounts: readonly Account[], estimate: Spending): void {
  spend(accounts, estimate)
  for (const account of accounts) account.aside = plus(account.aside, estimate)
}

export function totalOf({ own, others }: Account): Spending {
  return plus(own, others)
}

/** Never below zero: others may have settled since. */
export function hear({ id }: Account, totals: ReadonlyMap<string, Spending>, own: Spending): Spending {
  return each(minus(totals.get(id) ?? nothing, own), amount => Math.max(0, amount))
}

/** Whether a limit is reached that stops `call`. One of tokens does not stop calls that use none. */
export function isUsedUp(
  spent: Spending,
  { tokens = Infinity, cost = Infinity }: DayLimits,
  prices: Prices | null,
  call: Spending,
): boolean {
  return (tokensOf(call) > 0 && tokensOf(spent) >= tokens) || costOf(spent, prices) >= cost
}

/** Without the calls in progress of this process: their estimates are high, and most of it is never used. */
export function statusOf(account: Account, date: string, prices: Prices | null): BudgetStatus[] {
  const {
    scope,
    name,
    limits: { tokens, cost },
  } = account
  const base = { scope, name, resetsAt: new Date(nextDay(date)).toISOString() }
  const total = minus(totalOf(account), account.aside)
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

export function times(spending: Spending, factor: number): Spending {
  return each(spending, amount => amount * factor)
}

export function minus(a: Spending, b: Spending): Spending {
  return plus(a, times(b, -1))
}

function plus(a: Spending, b: Spending): Spending {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
    otherCost: a.otherCost + b.otherCost,
  }
}

function each({ promptTokens, completionTokens, otherCost }: Spending, change: (amount: number) => number): Spending {
  return {
    promptTokens: change(promptTokens),
    completionTokens: change(completionTokens),
    otherCost: change(otherCost),
  }
}

function tokensOf({ promptTokens, completionTokens }: Tokens): number {
  return promptTokens + completionTokens
}

function costOf({ promptTokens, completionTokens, otherCost }: Spending, prices: Prices | null): number {
  if (!prices) return 0
  return (promptTokens * prices.prompt + completionTokens * prices.completion) / 1e6 + otherCost / 1e9
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
