import { AskError, budgetUsedUp } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { BudgetScope, BudgetStatus, DayLimits, Payer, Tokens } from '../terms.ts'

/** What all replicas have spent. */
export interface SharedSpending {
  /**
   * Records what this process has spent on a day (UTC, `YYYY-MM-DD`) by budget, and returns what all processes have.
   * Undefined if Redis is not usable. Never rejects, and never waits longer than a command of Redis may.
   */
  exchange(day: string, own: ReadonlyMap<string, Tokens>): Promise<ReadonlyMap<string, Tokens> | undefined>
}

/** One call to the language model, paid at its estimate until it is settled. */
export interface Charge {
  /** Replaces the estimate by what the call has used. Only the first time counts. */
  settle(used: Tokens): void
}

export interface Budgets {
  /**
   * Sets an estimate aside for a call to the language model. Null when no budget pays for it. Throws `model_paused` when
   * one that must pay is used up.
   */
  charge(payer: Payer, estimate: Tokens): Promise<Charge | null>
  /** Whether the budget of this key is used up, as far as this process knows. */
  isKeyUsedUp(payer: Payer): boolean
  /** Every limit, those of the service first. */
  status(): readonly BudgetStatus[]
  /** Records what is not recorded in Redis yet. */
  close(): Promise<void>
}

export interface Prices {
  /** Per million tokens. */
  readonly prompt: number
  readonly completion: number
  readonly currency: string
}

export interface BudgetsOptions {
  readonly service: DayLimits
  readonly collections: Readonly<Record<string, DayLimits>>
  /** Keys with a budget. Keys that get one later are added by their first question. */
  readonly keys?: readonly { readonly name: string; readonly limits: DayLimits }[]
  /** Null when unknown: money is then not counted. */
  readonly prices: Prices | null
  /** Null without Redis. */
  readonly shared: SharedSpending | null
  readonly events: Pick<Events, 'dailyBudgetExceeded' | 'dailyBudgetReached'>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

interface Account {
  readonly id: string
  readonly scope: BudgetScope
  readonly name: string | null
  limits: DayLimits
  /** Used by this process, with its calls in progress. */
  own: Tokens
  /** Used by the others, as last heard. */
  others: Tokens
  /** The highest of {@link thresholds} that was reported. */
  reached: number
}

interface Day {
  readonly date: string
  readonly accounts: Map<string, Account>
}

const nothing: Tokens = { promptTokens: 0, completionTokens: 0 }
const thresholds = [0.8, 1] as const
/** How old this process's knowledge of the others may get, and how soon Redis gets what it missed. */
const exchangeMs = 2000
const dayMs = 86_400_000

/**
 * Daily budgets of the language model. What a call may use is set aside before it is made, so that many calls at once
 * exceed a budget by about one call each at most.
 *
 * Each process counts what it has used itself, and learns from Redis what the others have. Since its own count is
 * always sent whole, a command may be repeated, and a Redis that was away, or lost its data, has all of it after the
 * next exchange. Until then each process continues with what it last heard. A process that dies leaves its calls in
 * progress counted at their estimate.
 */
export function createBudgets({ prices, shared, events, now = Date.now, ...limits }: BudgetsOptions): Budgets {
  let day: Day = { date: dateOf(now()), accounts: initialAccounts(limits) }
  const timer = shared && setInterval(exchangeAll, exchangeMs).unref()

  /** Starts again from zero at midnight. Calls in progress still settle with the day on which they began. */
  function today(): Day {
    const date = dateOf(now())
    if (date !== day.date) {
      const accounts = [...day.accounts].map(([id, each]) => [id, { ...each, ...unused }] as const)
      day = { date, accounts: new Map(accounts) }
    }
    return day
  }

  function accountsOf({ key, collection }: Payer, { accounts }: Day): readonly Account[] {
    const found = [accounts.get('service'), collection === undefined ? undefined : accounts.get(idOf('collection', collection))]
    if (key) found.push(keyAccount(key, accounts))
    return found.filter(each => each !== undefined)
  }

  /** Keys may be reloaded with other limits. */
  function keyAccount({ name, limits: current }: NonNullable<Payer['key']>, accounts: Day['accounts']): Account {
    const account = accounts.get(idOf('key', name)) ?? openAccount('key', name, current)
    accounts.set(account.id, account)
    if (!isEqual(account.limits, current)) Object.assign(account, { limits: current, reached: 0 })
    return account
  }

  async function charge(payer: Payer, estimate: Tokens): Promise<Charge | null> {
    const current = today()
    const accounts = accountsOf(payer, current)
    if (accounts.length === 0) return null
    refuse(accounts.find(account => isUsedUp(totalOf(account), account.limits)))
    spend(accounts, estimate)
    const totals = await exchange(current, accounts)
    // Others may have spent the rest, or be about to. Redis orders the calls of all processes.
    const over = totals && accounts.find(({ id, limits: own }) => isUsedUp(minus(totals.get(id) ?? nothing, estimate), own))
    if (over) spend(accounts, minus(nothing, estimate))
    if (over) void exchange(current, accounts)
    report(current, accounts)
    refuse(over)
    let isSettled = false
    return {
      settle(used) {
        if (isSettled) return
        isSettled = true
        spend(accounts, minus(used, estimate))
        report(current, accounts)
        void exchange(current, accounts)
      },
    }
  }

  function refuse(account: Account | undefined): void {
    if (account === undefined) return
    events.dailyBudgetExceeded(account.scope)
    throw new AskError('model_paused', {
      kind: budgetUsedUp,
      detail: `The daily budget of ${account.scope === 'service' ? 'the service' : `this ${account.scope}`} is used up.`,
      retryAfter: Math.ceil((nextDay(day.date) - now()) / 1000),
    })
  }

  /** What all processes have spent; undefined if it cannot be known now. */
  async function exchange(
    current: Day,
    accounts: readonly Account[],
  ): Promise<ReadonlyMap<string, Tokens> | undefined> {
    if (!shared || accounts.length === 0) return undefined
    const own = new Map(accounts.map(({ id, own: spent }) => [id, spent]))
    const totals = await shared.exchange(current.date, own)
    if (!totals) return undefined
    for (const account of accounts) {
      const others = minus(totals.get(account.id) ?? nothing, own.get(account.id) ?? nothing)
      account.others = { promptTokens: Math.max(0, others.promptTokens), completionTokens: Math.max(0, others.completionTokens) }
    }
    return totals
  }

  async function exchangeAll(): Promise<void> {
    const current = today()
    const accounts = [...current.accounts.values()]
    if (await exchange(current, accounts)) report(current, accounts)
  }

  /** Reports each threshold once per day. */
  function report(current: Day, accounts: readonly Account[]): void {
    if (current !== day) return
    for (const account of accounts)
      for (const status of statusOf(account, current.date)) {
        const reached = thresholds.findLast(threshold => status.used >= threshold * status.limit) ?? 0
        if (reached <= account.reached) continue
        account.reached = reached
        events.dailyBudgetReached(status, reached)
      }
  }

  function isUsedUp(spent: Tokens, { tokens = Infinity, cost = Infinity }: DayLimits): boolean {
    return tokensOf(spent) >= tokens || costOf(spent) >= cost
  }

  function costOf({ promptTokens, completionTokens }: Tokens): number {
    return prices ? (promptTokens * prices.prompt + completionTokens * prices.completion) / 1e6 : 0
  }

  function statusOf(account: Account, date: string): BudgetStatus[] {
    const { scope, name, limits: { tokens, cost } } = account
    const base = { scope, name, resetsAt: new Date(nextDay(date)).toISOString() }
    const total = totalOf(account)
    return [
      ...(tokens === undefined ? [] : [{ ...base, unit: 'tokens', used: tokensOf(total), limit: tokens }]),
      ...(cost === undefined || !prices
        ? []
        : [{ ...base, unit: prices.currency, used: toMillionth(costOf(total)), limit: cost }]),
    ]
  }

  return {
    charge,
    isKeyUsedUp(payer) {
      const account = payer.key && keyAccount(payer.key, today().accounts)
      return account !== undefined && isUsedUp(totalOf(account), account.limits)
    },
    status() {
      const { date, accounts } = today()
      return [...accounts.values()].flatMap(account => statusOf(account, date))
    },
    async close() {
      if (timer) clearInterval(timer)
      await exchangeAll()
    },
  }
}

const unused = { own: nothing, others: nothing, reached: 0 } as const

function openAccount(scope: BudgetScope, name: string | null, limits: DayLimits): Account {
  return { id: idOf(scope, name), scope, name, limits, ...unused }
}

function idOf(scope: BudgetScope, name: string | null): string {
  return name === null ? scope : `${scope}:${name}`
}

function initialAccounts({
  service,
  collections,
  keys = [],
}: Pick<BudgetsOptions, 'service' | 'collections' | 'keys'>): Map<string, Account> {
  const accounts = [
    ...(Object.keys(service).length > 0 ? [openAccount('service', null, service)] : []),
    ...Object.entries(collections).map(([name, limits]) => openAccount('collection', name, limits)),
    ...keys.map(({ name, limits }) => openAccount('key', name, limits)),
  ]
  return new Map(accounts.map(account => [account.id, account]))
}

function spend(accounts: readonly Account[], used: Tokens): void {
  for (const account of accounts) account.own = plus(account.own, used)
}

function totalOf({ own, others }: Account): Tokens {
  return plus(own, others)
}

function plus(a: Tokens, b: Tokens): Tokens {
  return {
    promptTokens: a.promptTokens + b.promptTokens,
    completionTokens: a.completionTokens + b.completionTokens,
  }
}

function minus(a: Tokens, b: Tokens): Tokens {
  return {
    promptTokens: a.promptTokens - b.promptTokens,
    completionTokens: a.completionTokens - b.completionTokens,
  }
}

function tokensOf({ promptTokens, completionTokens }: Tokens): number {
  return promptTokens + completionTokens
}

function isEqual(a: DayLimits, b: DayLimits): boolean {
  return a.tokens === b.tokens && a.cost === b.cost
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

function nextDay(date: string): number {
  return Date.parse(date) + dayMs
}

function toMillionth(cost: number): number {
  return Math.round(cost * 1e6) / 1e6
}
