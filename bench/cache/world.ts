import { execFileSync } from 'node:child_process'
import { startPostgres } from '../../test/support/postgres.ts'
import { faq, load, notices } from './documents.ts'
import { createKeeper, type Keeper } from './keeper.ts'
import { hasTaskset, otherCores } from './program.ts'
import { serveAskwell, type Settings } from './servers.ts'

/** What every scenario is given: a loaded database, and whether it should hurry. */
export interface World {
  readonly settings: Settings
  readonly isQuick: boolean
}

/** A scenario starts what it needs and hangs it on the keeper. */
export type Scenario = (world: World, t: Keeper) => Promise<Outcome>

export interface Outcome {
  readonly tables: readonly Table[]
  readonly claims: readonly Claim[]
}

export interface Table {
  readonly title: string
  readonly rows: readonly object[]
}

/** One sentence that the figures bear out or not. */
export interface Claim {
  readonly what: string
  readonly measured: number
  readonly wanted: string
  readonly isReached: boolean
}

export const permits = 'permits'
export const permitCount = 500

/**
 * A Postgres of its own with the FAQ in the collection `default` and 500 notices in `permits`. Answers are kept for an
 * hour, so that none expires while it is measured; the limit is counted, but refuses nobody.
 */
export async function openWorld(t: Keeper, isQuick: boolean): Promise<World> {
  leaveTheMeasuredCore()
  const postgres = await startPostgres(t)
  const settings = {
    DATABASE_URL: postgres.url,
    ANSWER_CACHE_SECONDS: '3600',
    RATE_LIMIT: '1000000',
    RATE_LIMIT_SECONDS: '1',
  }
  const loading = createKeeper()
  const { address } = await serveAskwell(loading, settings)
  await load(address, 'default', faq())
  await load(address, permits, notices(permitCount))
  await loading.end()
  return { settings, isQuick }
}

/** What is started from here on (Postgres, Redis, the load) stays off it too, unless told otherwise. */
function leaveTheMeasuredCore(): void {
  if (hasTaskset) execFileSync('taskset', ['-acp', otherCores, String(process.pid)], { stdio: 'ignore' })
}
