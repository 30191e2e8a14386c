import { AskError, budgetUsedUp } from '../../errors.ts'
import type { Events } from '../../events.ts'
import type { BudgetStatus, Payer, Spending } from '../terms/usage.ts'
import {
  accountsOf,
  createDays,
  hear,
  isUsedUp,
  keyAccount,
  minus,
  nextDay,
  nothing,
  setAside,
  spend,
  statusOf,
  times,
  totalOf,
  type Account,
  type Day,
  type Limits,
  type Prices,
} from './budget-accounts.ts'

/** What all replicas have spent. */
export interface SharedSpending {
  /**
   * Records what this process has spent on a day (UTC, `YYYY-MM-DD`) by budget, and returns what all processes have.
   * Undefined if Redis is not usable. Never rejects, and never waits longer than a command of Redis may.
   */
  exchange(day: string, own: ReadonlyMap<string, Spending>): Promise<ReadonlyMap<string, Spending> | undefined>
}

/** One call to a model, paid at its estimate until it is settled. */
export interface Charge {
  /** Replaces the estimate by what the call has used. Only the first time counts. */
  settle(used: Partial<Spending>): void
}

export interface Budgets {
  /**
   * Sets an estimate aside for a call to a model. Null when no budget pays for it. Throws `model_paused` when one that
   * must pay is used up.
   */
  charge(payer: Payer, estimate: Partial<Spending>): Promise<Charge | null>
  /** Whether the budget of this key is used up for the language model, as far as this process knows. */
  isKeyUsedUp(payer: Payer): boolean
  /** Every limit, those of the service first. */
  status(): readonly BudgetStatus[]
  /** Records what is not recorded in Redis yet. */
  close(): Promise<void>
}

export interface BudgetsOptions extends Limits {
  /** Null when unknown: money is then not counted. */
  readonly prices: Prices | null
  /** Null without Redis. */
  readonly shared: SharedSpending | null
  /** Processes that spend from the same budgets. Without Redis, each takes the others to spend as much as itself. */
  readonly processes?: number
  readonly events: Pick<Events, 'dailyBudgetExceeded' | 'dailyBudgetReached'>
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const thresholds = [0.8, 1] as const
/** How old this process's knowledge of the others may get, and how soon Redis gets what it missed. */
const exchangeMs = 2000

/** Any call to the language model: every limit counts for it. */
const anyAnswer: Spending = { ...nothing, completionTokens: 1 }

/**
 * Daily budgets of the models. What a call may use is set aside before it is made, so that many calls at once
 * exceed a budget by about one call each at most.
 *
 * Each process counts what it has used itself, and learns from Redis what the others have. Since its own count is
 * always sent whole, a command may be repeated, and a Redis that was away, or lost its data, has all of it after the
 * next exchange. Until then each process continues with what it last heard. A process that dies leaves its calls in
 * progress counted at their estimate.
 */
export function createBudgets({
  prices,
  shared,
  processes = 1,
  events,
  now = Date.now,
  ...limits
}: BudgetsOptions): Budgets {
  const weight = shared ? 1 : processes
  const today = createDays(limits, now)
  const timer = shared && setInterval(exchangeAll, exchangeMs).unref()

  async function charge(payer: Payer, expected: Partial<Spending>): Promise<Charge | null> {
    const estimate = times({ ...nothing, ...expected }, weight)
    const day = today()
    const accounts = accountsOf(payer, day, estimate)
    if (accounts.length === 0) return null
    const isOver = (spent: Spending, { limits: ofAccount }: Account) => isUsedUp(spent, ofAccount, prices, estimate)
    refuse(accounts.find(account => isOver(totalOf(account), account)))
    setAside(accounts, estimate)
    const totals = await exchange(shared, day, accounts)
    // Others may have spent the rest, or be about to. Redis orders the calls of all processes.
    const over = totals && accounts.find(account => isOver(minus(totals.get(account.id) ?? nothing, estimate), account))
    if (over) {
      setAside(accounts, minus(nothing, estimate))
      void exchange(shared, day, accounts)
    }
    report(day, accounts)
    refuse(over)
    let isSettled = false
    return {
      settle(used) {
        if (isSettled) return
        isSettled = true
        setAside(accounts, minus(nothing, estimate))
        spend(accounts, times({ ...nothing, ...used }, weight))
        report(day, accounts)
        void exchange(shared, day, accounts)
      },
    }
  }

  function refuse(account: Account | undefined): void {
    if (account === undefined) return
    events.dailyBudgetExceeded(account.scope)
    throw usedUp(account, (nextDay(today().date) - now()) / 1000)
  }

  async function exchangeAll(): Promise<void> {
    const day = today()
    const accounts = [...day.accounts.values()]
    if (await exchange(shared, day, accounts)) report(day, accounts)
  }

  /** Reports each threshold once per day. */
  function report(day: Day, accounts: readonly Account[]): void {
    if (day !== today()) return
    for (const account of accounts)
      for (const status of statusOf(account, day.date, prices)) {
        const reached = thresholds.findLast(threshold => status.used >= threshold * status.limit) ?? 0
        if (reached <= account.reached) continue
        account.reached = reached
        events.dailyBudgetReached(status, reached)
      }
  }

  return {
    charge,
    isKeyUsedUp(payer) {
      const account = payer.key && keyAccount(payer.key, today())
      return account !== undefined && isUsedUp(totalOf(account), account.limits, prices, anyAnswer)
    },
    status() {
      const { date, accounts } = today()
      return [...accounts.values()].flatMap(account => statusOf(account, date, prices))
    },
    async close() {
      if (timer) clearInterval(timer)
      await exchangeAll()
    },
  }
}

/** What all processes have spent; undefined if it cannot be known now. */
async function exchange(
  shared: SharedSpending | null,
  { date }: Day,
  accounts: readonly Account[],
): Promise<ReadonlyMap<string, Spending> | undefined> {
  if (!shared || accounts.length === 0) return undefined
  const own = new Map(accounts.map(({ id, own: spent }) => [id, spent]))
  const totals = await shared.exchange(date, own)
  if (totals) for (const account of accounts) account.others = hear(account, totals, own.get(account.id) ?? nothing)
  return totals
}

function usedUp({ scope }: Account, seconds: number): AskError {
  return new AskError('model_paused', {
    kind: budgetUsedUp,
    detail: `The daily budget of ${scope === 'service' ? 'the service' : `this ${scope}`} is used up.`,
    retryAfter: Math.ceil(seconds),
  })
}
