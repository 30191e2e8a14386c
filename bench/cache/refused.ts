import postgres from 'postgres'
import { startRedis } from '../../test/support/redis.ts'
import { hotQuestion, permitQuestion } from './documents.ts'
import { atMost, median, rounded } from './figures.ts'
import type { Keeper } from './keeper.ts'
import { allGood, fire, type LoadResult } from './load.ts'
import { remembering, type Served, type Settings } from './servers.ts'
import { permitCount, permits, type Outcome, type World } from './world.ts'

/**
 * What it costs to be refused: one question holds the only place, since its search waits for a lock, and nobody
 * may wait for it. Everyone else asks what was never asked. An answer from memory of the same process, in turns.
 */
export async function refused({ settings, isQuick }: World, t: Keeper): Promise<Outcome> {
  const redis = await startRedis(t)
  const rows = []
  for (const [name, own] of Object.entries<Settings>({ 'without Redis': {}, 'with Redis': { REDIS_URL: redis.url } }))
    rows.push({ name, ...(await costOf({ ...settings, ...own }, t, isQuick ? 2 : 5)) })
  return {
    tables: [{ title: 'Microseconds of processor time a reply', rows }],
    claims: rows.map(row => atMost(`refused, ${row.name}: processor time, µs`, row.refused, 100, 1)),
  }
}

async function costOf(settings: Settings, t: Keeper, turns: number) {
  const only = {
    ADMISSION_FLOOR: '1',
    ADMISSION_CEILING: '1',
    ADMISSION_MAX_WAITING: '0',
  }
  const { served } = await remembering(t, { ...settings, ...only }, hotQuestion, { tier: 'memory' })
  const [known, unknown]: LoadResult[][] = [[], []]
  for (let turn = 0; turn < turns; turn++) {
    known!.push(allGood(await fireAt(served, [JSON.stringify(hotQuestion)]), 'from memory'))
    unknown!.push(await whileNobodyCanSearch(settings, async () => await fireAt(served, newQuestions(turn))))
  }
  const cpuUs = (results: readonly LoadResult[]) => rounded(median(results.map(each => each.cpuUs)), 1)
  return { 'from memory': cpuUs(known!), refused: cpuUs(unknown!) }
}

/** Whoever is admitted waits for this lock, until it is given up. */
async function whileNobodyCanSearch<Result>({ DATABASE_URL }: Settings, act: () => Promise<Result>): Promise<Result> {
  const sql = postgres(DATABASE_URL!, { max: 1, onnotice: () => {} })
  try {
    return (await sql.begin(async transaction => {
      await transaction`lock table chunks in access exclusive mode`
      return await act()
    })) as Result
  } finally {
    await sql.end()
  }
}

async function fireAt({ address, program }: Served, bodies: readonly string[]): Promise<LoadResult> {
  return await fire({ url: `${address}/ask`, connections: 50, seconds: 3, bodies }, program.pid)
}

function newQuestions(turn: number): string[] {
  return Array.from({ length: 20_000 }, (_, at) =>
    JSON.stringify({ question: permitQuestion(at % permitCount, turn * 20_000 + at + 1), collection: permits }),
  )
}
