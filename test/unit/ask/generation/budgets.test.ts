import t, { type Test } from 'tap'
import {
  createBudgets,
  type Budgets,
  type BudgetsOptions,
  type SharedSpending,
} from '../../../../src/ask/generation/budgets.ts'
import type { BudgetStatus, Spending } from '../../../../src/ask/terms/usage.ts'
import { isAskError, isOverBudget } from '../../../../src/errors.ts'
import { until } from '../../../support/until.ts'

const of = (promptTokens: number, completionTokens = 0, otherCost = 0): Spending => ({
  promptTokens,
  completionTokens,
  otherCost,
})

interface World {
  readonly budgets: Budgets
  readonly clock: { ms: number }
  /** Scopes of calls that were refused, and thresholds, in order. */
  readonly told: string[]
}

function worldOf(t: Test, options: Partial<BudgetsOptions> = {}): World {
  const clock = { ms: Date.parse('2026-11-29T12:00:00Z') }
  const told: string[] = []
  const budgets = createBudgets({
    service: {},
    collections: {},
    prices: null,
    shared: null,
    events: {
      dailyBudgetExceeded: scope => void told.push(`refused ${scope}`),
      dailyBudgetReached: ({ scope, name, unit }, share) =>
        void told.push(`${share * 100} % of ${name ?? scope} (${unit})`),
    },
    now: () => clock.ms,
    ...options,
  })
  t.teardown(budgets.close)
  return { budgets, clock, told }
}

/** Whether a call was made; it settles at what it used. */
async function isCalled(budgets: Budgets, used: Partial<Spending>, payer = {}, estimate = used): Promise<boolean> {
  try {
    const charge = await budgets.charge(payer, estimate)
    charge?.settle(used)
    return true
  } catch (error) {
    if (isOverBudget(error)) return false
    throw error
  }
}

const usedIn = (budgets: Budgets) => budgets.status().map(({ used }: BudgetStatus) => used)

t.test('no budget: nothing is charged', async t => {
  const { budgets } = worldOf(t, { collections: { faq: { tokens: 10 } } })
  t.equal(await budgets.charge({ collection: 'law' }, of(1)), null)
  t.same(usedIn(budgets), [0])
})

t.test('tokens: calls are made until they are used up, thresholds are told once', async t => {
  const { budgets, told } = worldOf(t, { service: { tokens: 100 } })
  t.equal(await isCalled(budgets, of(30, 20)), true)
  t.equal(await isCalled(budgets, of(30)), true)
  t.equal(await isCalled(budgets, of(5)), true)
  t.equal(await isCalled(budgets, of(25)), true, 'one call may exceed it')
  t.equal(await isCalled(budgets, of(1)), false)
  t.equal(await isCalled(budgets, of(1)), false)
  t.same(budgets.status(), [
    { scope: 'service', name: null, unit: 'tokens', used: 110, limit: 100, resetsAt: '2026-11-30T00:00:00.000Z' },
  ])
  t.same(told, ['80 % of service (tokens)', '100 % of service (tokens)', 'refused service', 'refused service'])
})

t.test('without Redis, each of several processes takes the others to spend as much as itself', async t => {
  const alone = worldOf(t, { service: { tokens: 300 }, processes: 3 })
  t.equal(await isCalled(alone.budgets, of(50)), true)
  t.match(alone.budgets.status(), [{ used: 150, limit: 300 }])
  t.equal(await isCalled(alone.budgets, of(50)), true)
  t.equal(await isCalled(alone.budgets, of(50)), false)
  const shared: SharedSpending = { exchange: async (_, own) => own }
  const together = worldOf(t, { service: { tokens: 300 }, processes: 3, shared })
  t.equal(await isCalled(together.budgets, of(50)), true)
  t.match(together.budgets.status(), [{ used: 50 }])
})

t.test('money: by the prices of what was read and written', async t => {
  const prices = { prompt: 1, completion: 10, currency: 'EUR' }
  const { budgets } = worldOf(t, { service: { cost: 2 }, prices })
  t.equal(await isCalled(budgets, of(500_000, 140_000)), true)
  t.match(budgets.status(), [{ unit: 'EUR', used: 1.9, limit: 2 }])
  t.equal(await isCalled(budgets, of(0, 10_000)), true)
  t.equal(await isCalled(budgets, of(1)), false)
})

t.test('both: whichever is used up first', async t => {
  const prices = { prompt: 1, completion: 1, currency: 'USD' }
  const { budgets } = worldOf(t, { service: { tokens: 10, cost: 5 }, prices })
  t.equal(await isCalled(budgets, of(10)), true)
  t.equal(await isCalled(budgets, of(10)), false)
  t.match(budgets.status(), [{ unit: 'tokens' }, { unit: 'USD' }])
})

t.test('embedding and reranking: in money, not in tokens', async t => {
  const prices = { prompt: 1, completion: 1, currency: 'USD' }
  const { budgets } = worldOf(t, { service: { tokens: 10, cost: 1 }, collections: { faq: { tokens: 10 } }, prices })
  t.equal(await isCalled(budgets, of(10)), true)
  t.equal(await isCalled(budgets, of(1)), false, 'no tokens are left')
  t.equal(await isCalled(budgets, { otherCost: 600_000_000 }, { collection: 'faq' }), true, 'but money is')
  t.match(budgets.status(), [{ used: 10 }, { unit: 'USD', used: 0.60001 }, { name: 'faq', used: 0 }])
  t.equal(await isCalled(budgets, { otherCost: 500_000_000 }), true)
  t.equal(await isCalled(budgets, { otherCost: 1 }), false)
  const ofTokens = worldOf(t, { service: { tokens: 10 } })
  t.equal(await ofTokens.budgets.charge({}, { otherCost: 1 }), null)
})

t.test('a refused call says until when', async t => {
  const { budgets } = worldOf(t, { service: { tokens: 1 } })
  await isCalled(budgets, of(1))
  const error: unknown = await budgets.charge({}, of(1)).catch((thrown: unknown) => thrown)
  t.ok(isAskError(error, 'model_paused'))
  t.match(error, { retryAfter: 12 * 3600, detail: 'The daily budget of the service is used up.' })
})

t.test('the estimate limits other calls while the call is in progress, and is not reported as used', async t => {
  const { budgets, told } = worldOf(t, { service: { tokens: 100 } })
  const charges = await Promise.all([budgets.charge({}, of(60)), budgets.charge({}, of(60))])
  t.same(usedIn(budgets), [0])
  t.equal(await isCalled(budgets, of(1)), false, 'calls at once exceed it by one call each at most')
  charges[0]!.settle(of(10, 5))
  t.same(usedIn(budgets), [15])
  charges[0]!.settle(of(10, 5))
  t.same(usedIn(budgets), [15], 'only once')
  charges[1]!.settle(of(0))
  t.same(usedIn(budgets), [15])
  t.equal(await isCalled(budgets, of(1)), true)
  t.same(told, ['refused service'], 'no threshold was reached')
})

t.test('the budget of a key and of a collection: theirs alone', async t => {
  const key = { name: 'web', limits: { tokens: 10 } }
  const { budgets, told } = worldOf(t, { collections: { faq: { tokens: 20 } }, keys: [key] })
  t.equal(await isCalled(budgets, of(10), { key, collection: 'law' }), true)
  t.equal(await isCalled(budgets, of(1), { key, collection: 'law' }), false)
  t.equal(budgets.isKeyUsedUp({ key }), true)
  t.equal(await isCalled(budgets, of(20), { collection: 'faq' }), true)
  t.equal(await isCalled(budgets, of(1), { collection: 'faq' }), false)
  t.equal(await isCalled(budgets, of(1), { collection: 'law' }), true)
  t.equal(budgets.isKeyUsedUp({ collection: 'faq' }), false)
  t.match(budgets.status(), [
    { scope: 'collection', name: 'faq', used: 20 },
    { scope: 'key', name: 'web', used: 10 },
  ])
  t.same(
    told.filter(line => line.startsWith('refused')),
    ['refused key', 'refused collection'],
  )
})

t.test('a key that was reloaded with a higher limit may go on', async t => {
  const { budgets, told } = worldOf(t)
  const keyOf = (tokens: number) => ({ key: { name: 'web', limits: { tokens } } })
  t.equal(await isCalled(budgets, of(10), keyOf(10)), true)
  t.equal(await isCalled(budgets, of(10), keyOf(10)), false)
  t.equal(await isCalled(budgets, of(10), keyOf(20)), true)
  t.same(
    told.filter(line => line.startsWith('100 %')),
    ['100 % of web (tokens)', '100 % of web (tokens)'],
  )
})

t.test('midnight UTC: all begin at zero; a call from before counts for its own day', async t => {
  const { budgets, clock, told } = worldOf(t, { service: { tokens: 10 } })
  t.equal(await isCalled(budgets, of(9)), true)
  const charge = await budgets.charge({}, of(10))
  t.equal(await isCalled(budgets, of(1)), false)
  clock.ms = Date.parse('2026-11-30T00:00:00Z') - 1
  t.equal(await isCalled(budgets, of(1)), false)
  clock.ms += 1
  t.same(usedIn(budgets), [0])
  t.match(budgets.status(), [{ resetsAt: '2026-12-01T00:00:00.000Z' }])
  charge!.settle(of(500))
  t.same(usedIn(budgets), [0])
  t.equal(await isCalled(budgets, of(10)), true)
  t.equal(await isCalled(budgets, of(1)), false)
  t.same(
    told.filter(line => line.includes('%')),
    ['80 % of service (tokens)', '100 % of service (tokens)'],
    'each day begins again',
  )
})

t.test('a clock that is set back, or jumps: each day keeps what it has used', async t => {
  const { budgets, clock, told } = worldOf(t, { service: { tokens: 10 } })
  t.equal(await isCalled(budgets, of(10)), true)
  for (const jump of [86_400_000, -86_400_000, 86_400_000]) {
    clock.ms += jump
    if (jump < 0) t.equal(await isCalled(budgets, of(1)), false, 'used up')
    else await isCalled(budgets, of(5))
  }
  t.same(usedIn(budgets), [10], 'of the second day, in two parts')
  t.equal(told.filter(line => line.startsWith('100 %')).length, 2, 'once per day')
})

/** What Redis does, in memory: the last word of each process counts. */
function createStore() {
  const fields = new Map<string, Map<string, Spending>>()
  const state = { isAway: false }
  const sharedFor = (process: string): SharedSpending => ({
    async exchange(day, own) {
      if (state.isAway) return undefined
      const totals = new Map<string, Spending>()
      for (const [id, spent] of own) {
        const hash = fields.get(`${day} ${id}`) ?? new Map<string, Spending>()
        fields.set(`${day} ${id}`, hash.set(process, spent))
        const all = [...hash.values()]
        const sum = (name: keyof Spending) => all.reduce((total, each) => total + each[name], 0)
        totals.set(id, of(sum('promptTokens'), sum('completionTokens'), sum('otherCost')))
      }
      return totals
    },
  })
  return { fields, state, sharedFor }
}

t.test('two processes: one budget, also while both call', async t => {
  const { sharedFor } = createStore()
  const [a, b] = ['a', 'b'].map(name => worldOf(t, { service: { tokens: 100 }, shared: sharedFor(name) }))
  const first = await a!.budgets.charge({}, of(60))
  t.equal(await isCalled(b!.budgets, of(60)), true)
  t.equal(await isCalled(b!.budgets, of(1)), false, 'known from its own exchange')
  t.equal(await isCalled(a!.budgets, of(1)), false, 'learned when it asks')
  first!.settle(of(0))
  t.equal(await isCalled(a!.budgets, of(40)), true)
  t.equal(await isCalled(a!.budgets, of(1)), false)
  t.same(b!.told.at(-1), 'refused service')
})

t.test('the store is away: each goes on with what it knows, and then adds what was missed', async t => {
  const { sharedFor, state, fields } = createStore()
  const [a, b] = ['a', 'b'].map(name => worldOf(t, { service: { tokens: 100 }, shared: sharedFor(name) }))
  await isCalled(a!.budgets, of(30))
  await isCalled(b!.budgets, of(30))
  state.isAway = true
  t.equal(await isCalled(a!.budgets, of(30)), true)
  t.equal(await isCalled(b!.budgets, of(40)), true)
  t.equal(await isCalled(b!.budgets, of(1)), false, 'with the 30 that it has heard of')
  t.same(usedIn(a!.budgets), [60], 'a heard nothing of b')
  state.isAway = false
  fields.clear() // it lost its data, too
  await until('all is known to both', () => [a, b].every(each => usedIn(each!.budgets)[0] === 130))
  t.equal(await isCalled(a!.budgets, of(1)), false)
})
