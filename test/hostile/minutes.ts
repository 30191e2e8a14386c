import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig } from '../../src/config/config.ts'
import { operations } from '../support/fuzz-requests.ts'
import type { Owner } from '../support/server-process.ts'
import { culpritTable } from './culprits.ts'
import { spentSequences, stopAndLook } from './leftovers.ts'
import { attacksTable, tableOf, tapOf } from './table.ts'
import { weigh } from './target.ts'
import type { Attack } from './terms.ts'
import { isFailed, quantile, verdictsOf, type Seen, type Stretch } from './verdicts.ts'
import { openWorld, type Servers, type World, type WorldOptions } from './world.ts'

export interface MinutesOptions extends WorldOptions {
  /** Under attack; as many are without. */
  readonly minutes: number
  /**
   * Whether the ratio of the two p99 is asserted. Both are of the same machine and a minute apart, but where two cores are
   * shared with neighbours that come and go (CI), one stretch may have them and the next not: there it is shown, and the
   * service refuses nothing for being late. All other verdicts then hold at any speed.
   */
  readonly isTimeAsserted: boolean
}

/** At least so many stretches of each kind, so that the first third and the last are not one and the same. */
const fewestPairs = 3
const longestStretchMs = 60_000
/** After the last attack has had its reply: what it left behind in queues, and collectors of garbage. */
const calmMs = 2000

/** The whole run; resolves with the exit code. */
export async function playAll(
  t: Owner,
  servers: Servers,
  chosen: readonly Attack[],
  options: MinutesOptions,
): Promise<number> {
  const world = await openWorld(t, servers, { ...options, isPatient: !options.isTimeAsserted })
  const seen = await watch(world, chosen, options)
  const verdicts = verdictsOf(seen)
  console.log(`\n${stretchTable(seen.stretches)}\n\n${attacksTable(seen.played)}\n`)
  console.log(
    `most memory: ${world.target.peak.own.toFixed(0)} MB, with its ${world.target.children.length} children ${world.target.peak.all.toFixed(0)} MB\n`,
  )
  console.log(`${culpritTable(seen.stretches, world.foe.history)}\n`)
  console.log(tapOf(verdicts, options.isTimeAsserted))
  const isMet = verdicts.every(each => each.isMet || (each.isTimed === true && !options.isTimeAsserted))
  if (!isMet) console.log(`# the service's last words:\n${world.target.output().slice(-3000).replaceAll(/^/gm, '# ')}`)
  return isMet ? 0 : 1
}

async function watch(world: World, chosen: readonly Attack[], { minutes }: MinutesOptions): Promise<Seen> {
  const { target, foe, load } = world
  const names = chosen.map(({ name }) => name)
  const pairs = Math.max(fewestPairs, Math.ceil((minutes * 60_000) / longestStretchMs))
  const stretchMs = (minutes * 60_000) / pairs
  const stretches: Stretch[] = []
  let death: string | null = null
  const note = () => {
    const end = target.end()
    if (end !== null)
      death ??= `it ended with ${end.signal ?? end.code} during: ${foe.underWay.join(', ') || 'nothing'}`
    return death !== null
  }
  const watching = setInterval(note, 50)
  // Whatever is picked later: each once, and code is compiled and caches are filled before the first is weighed.
  await orDead(foe.each(names), note)
  const picked = chosen.filter(({ isOnce }) => isOnce !== true).map(({ name }) => name)
  for (let nth = 0; nth < pairs * 2 && !note(); nth++) {
    const isAttacked = nth % 2 === 1 && picked.length > 0
    await sleep(calmMs)
    const from = performance.now()
    if (isAttacked) foe.begin(picked)
    await orDead(sleep(stretchMs), note)
    const to = performance.now()
    if (isAttacked) await orDead(foe.pause(), note)
    await sleep(calmMs)
    const asked = load.asked.filter(({ at, ms }) => at >= from && at + ms < to)
    stretches.push({ isAttacked, asked, weight: await weigh(target) })
    console.log(stretchTable(stretches.slice(-1)).split('\n').at(-1))
  }
  await load.stop()
  clearInterval(watching)
  const spent = await spentSequences(world.databaseUrl)
  const isAlive = !note()
  const leftovers = await stopAndLook(world)
  return {
    stretches,
    asked: load.asked,
    played: foe.played,
    names,
    routes: names.length > 1 ? namedRoutes(chosen) : [],
    death,
    leftovers: isAlive ? leftovers : leftovers.slice(1),
    spent,
    childLimits: childLimits(),
  }
}

/** The defaults: the run sets neither. */
function childLimits(): Seen['childLimits'] {
  const { workers, memoryMb } = readConfig({}).prepare
  return { count: workers, mb: memoryMb }
}

/** What would wait for the reply of a dead process is not waited for. */
async function orDead(work: Promise<unknown>, isDead: () => boolean): Promise<void> {
  let isOver = false
  void work.then(
    () => (isOver = true),
    () => (isOver = true),
  )
  while (!isOver && !isDead()) await sleep(50)
  if (isOver) await work
}

function namedRoutes(chosen: readonly Attack[]): string[] {
  const named = new Set(chosen.flatMap(({ routes }) => routes))
  return operations.map(({ method, path }) => `${method} ${path}`).filter(route => named.has(route))
}

function stretchTable(stretches: readonly Stretch[]): string {
  const rows = stretches.map(({ isAttacked, asked, weight }) => {
    const times = (isKnown: boolean) => asked.filter(each => each.isKnown === isKnown).map(({ ms }) => ms)
    const pair = (values: readonly number[]) =>
      `${quantile(values, 0.5).toFixed(0)}/${quantile(values, 0.99).toFixed(0)}`
    const failed = asked.filter(isFailed).length
    const degraded = asked.filter(({ outcome }) => outcome === 'degraded').length
    return [
      isAttacked ? 'under attack' : 'quiet',
      String(asked.length),
      String(failed),
      String(degraded),
      pair(asked.map(({ ms }) => ms)),
      pair(times(true)),
      pair(times(false)),
      weight === null ? 'dead' : `${weight.heap.toFixed(0)}`,
      weight === null ? 'dead' : `${weight.rss.toFixed(0)}`,
    ]
  })
  return tableOf(
    ['minutes', 'asked', 'failed', 'degraded', 'p50/p99 ms', 'cached', 'fresh', 'heap MB', 'RSS MB'].map(head =>
      head.padStart(9),
    ),
    rows,
  )
}
