import { setTimeout as sleep } from 'node:timers/promises'
import { startRedis } from '../../test/support/redis.ts'
import { createClient, type Asked, type Client } from './asking.ts'
import { permitQuestion } from './documents.ts'
import { atMost, exactly, quantile, rounded } from './figures.ts'
import type { Keeper } from './keeper.ts'
import { serveAskwell } from './servers.ts'
import { permitCount, permits, type Outcome, type World } from './world.ts'

/** Questions come at this rate whatever the replies take: who waits for slow ones would hide them. */
const perSecond = 150
const hotShare = 0.8
const hotQuestions = 50
/** In seconds: the freeze, and when the breaker is open for certain. */
const frozenAt = 4
const settledAt = 6

interface Timed extends Asked {
  /** Seconds since the run began. */
  readonly at: number
}

/** A Redis that keeps its connections and answers nothing, from the middle of a run on; beside the same run without Redis. */
export async function frozen({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const redis = await startRedis(t)
  const without = createClient((await serveAskwell(t, settings)).address)
  const withRedis = createClient((await serveAskwell(t, { ...settings, REDIS_URL: redis.url })).address)
  t.teardown(() => [without, withRedis].forEach(client => client.close()))
  const [turns, seconds] = isQuick ? [1, 9] : [2, 14]
  for (const client of [without, withRedis]) await underway(client, 2)
  const alone: Timed[] = []
  const frozenRuns: Timed[] = []
  for (let turn = 0; turn < turns; turn++) {
    alone.push(...(await underway(without, seconds)))
    frozenRuns.push(...(await underway(withRedis, seconds, redis.freeze)))
    redis.thaw()
    await sleep(2000)
  }
  return outcomeOf(alone, frozenRuns)
}

function outcomeOf(alone: readonly Timed[], frozenRuns: readonly Timed[]): Outcome {
  const spans: readonly Span[] = [
    { when: 'before the freeze', from: 0, to: frozenAt },
    { when: 'two seconds from the freeze on', from: frozenAt, to: settledAt },
    { when: 'after that', from: settledAt, to: Infinity },
  ]
  const rows = spans.flatMap(span => [line(span, 'without Redis', alone), line(span, 'frozen Redis', frozenRuns)])
  const [calm, troubled] = [rows.at(-2)!, rows.at(-1)!]
  return {
    tables: [{ title: `${perSecond} questions a second, ${hotShare * 100} % of them asked before`, rows }],
    claims: [
      exactly('frozen: failed requests', frozenRuns.filter(({ status }) => status !== 200).length, 0),
      atMost('frozen: p99 above that without Redis, ms', troubled['p99, ms'] - calm['p99, ms'], 100, 1),
    ],
  }
}

/** Seconds since the run began; `to` is exclusive. */
interface Span {
  readonly when: string
  readonly from: number
  readonly to: number
}

function line({ when, from, to }: Span, what: string, all: readonly Timed[]) {
  const asked = all.filter(({ at }) => at >= from && at < to)
  const [p50, p99, slowest] = [0.5, 0.99, 1].map(share =>
    rounded(
      quantile(
        asked.map(({ ms }) => ms),
        share,
      ),
      1,
    ),
  )
  return {
    when,
    what,
    questions: asked.length,
    failed: asked.filter(({ status }) => status !== 200).length,
    'p50, ms': p50!,
    'p99, ms': p99!,
    'slowest, ms': slowest!,
  }
}

/** Asks at the rate for so long; `freeze` is called in the middle. */
async function underway({ ask }: Client, seconds: number, freeze?: () => void): Promise<Timed[]> {
  const begin = performance.now()
  const since = () => (performance.now() - begin) / 1000
  const asked: Promise<Timed>[] = []
  let isFrozen = false
  for (let number = 0; since() < seconds; number++) {
    const due = number / perSecond
    if (due > since()) await sleep((due - since()) * 1000)
    if (freeze && !isFrozen && since() >= frozenAt) {
      isFrozen = true
      freeze()
    }
    const at = since()
    asked.push(ask({ question: nextQuestion(number), collection: permits }).then(reply => ({ ...reply, at })))
  }
  return await Promise.all(asked)
}

let visitors = 0

/** Four hot ones, then one that was never asked. */
function nextQuestion(number: number): string {
  const isHot = number % 5 < hotShare * 5
  return isHot ? permitQuestion(number % hotQuestions) : permitQuestion(number % permitCount, ++visitors)
}
