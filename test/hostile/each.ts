import { setTimeout as sleep } from 'node:timers/promises'
import { createKeeper } from '../../bench/cache/keeper.ts'
import { databaseMb, spentSequences, stopAndLook } from './leftovers.ts'
import { repliesOf, tableOf } from './table.ts'
import { weigh, type Target } from './target.ts'
import type { Attack } from './terms.ts'
import { isFailed, quantile } from './verdicts.ts'
import { openWorld, type Servers, type World, type WorldOptions } from './world.ts'

/**
 * Each attack alone, for figures before and after a change; asserts nothing. A service that one of them harmed is not used
 * for the next.
 */
export async function playEach(
  servers: Servers,
  chosen: readonly Attack[],
  options: WorldOptions & { readonly seconds: number },
): Promise<number> {
  const rows: string[][] = []
  let opened: Opened | undefined
  for (const attack of [nothing, ...chosen]) {
    opened ??= await open(servers, options)
    const { cells, isHarmed } = await alone(opened.world, attack, options.seconds)
    const isLast = attack === chosen.at(-1)
    const left = isHarmed || isLast ? await opened.close() : []
    rows.push([...cells, left.join('; ') || '–'])
    if (isHarmed || isLast) opened = undefined
    console.log(rows.at(-1)!.join(' | '))
  }
  console.log(`\n${tableOf(heads, rows)}\n`)
  return 0
}

/** What the machine does by itself: the row that the others are read beside. */
const nothing: Attack = { name: '(no attack)', routes: [], play: async () => undefined }

interface Opened {
  readonly world: World
  /** Says what is left of it. */
  close(): Promise<readonly string[]>
}

async function open(servers: Servers, options: WorldOptions): Promise<Opened> {
  const t = createKeeper()
  const world = await openWorld(t, servers, options)
  await sleep(warmUpMs)
  return {
    world,
    async close() {
      const hasDied = world.target.end() !== null
      await world.load.stop()
      const left = await stopAndLook(world)
      await t.end()
      return hasDied ? [] : left
    },
  }
}

const warmUpMs = 1500
/** Beyond this the next one would be blamed for it. */
const harm = { heapMb: 8, peakMb: 400 }

const heads = [
  'attack',
  'process',
  'plays',
  'honest failed',
  'p50/max ms',
  'stalled s',
  'most MB',
  'heap kept MB',
  'database MB',
  'replies',
  'found',
  'left',
]

async function alone(
  world: World,
  attack: Attack,
  seconds: number,
): Promise<{ readonly cells: string[]; readonly isHarmed: boolean }> {
  const { target, foe, load, databaseUrl } = world
  const [weight, size, stalled] = [await weigh(target), await databaseMb(databaseUrl), await stalledSeconds(target.url)]
  const earlier = foe.played.length
  target.peak.own = 0
  const from = performance.now()
  await play(world, attack, seconds)
  await sleep(settleMs)
  const played = foe.played.slice(earlier)
  const asked = load.asked.filter(({ at }) => at >= from)
  const waiting = [...load.underWay].filter(at => at >= from).map(at => performance.now() - at)
  const times = [...asked.map(({ ms }) => ms), ...waiting]
  const [after, grown] = [await weigh(target), (await databaseMb(databaseUrl)) - size]
  const kept = weight === null || after === null ? null : after.heap - weight.heap
  const lost = target.end() === null ? (await stalledSeconds(target.url)) - stalled : null
  const failed = asked.filter(isFailed).length
  const faults = new Set([
    ...played.flatMap(({ faults }) => faults.map(each => each.split('\n')[0]!.slice(0, longestFault))),
    ...(await spentSequences(databaseUrl, 0)),
  ])
  const cells = [
    attack.name,
    stateOf(target),
    String(played.length),
    `${failed} of ${asked.length}`,
    `${quantile(times, 0.5).toFixed(0)}/${Math.max(...times).toFixed(0)}`,
    lost?.toFixed(1) ?? '–',
    target.peak.own.toFixed(0),
    kept?.toFixed(1) ?? '–',
    `+${grown.toFixed(1)}`,
    repliesOf(played),
    [...faults].join('; ') || '–',
  ]
  return {
    cells,
    isHarmed: target.end() !== null || failed > 0 || (kept ?? 0) > harm.heapMb || target.peak.own > harm.peakMb,
  }
}

/** Repeats the attack for this long, or until the service has died. */
async function play(world: World, attack: Attack, seconds: number): Promise<void> {
  if (attack === nothing) return await sleep(seconds * 1000)
  const { target, foe } = world
  const end = performance.now() + seconds * 1000
  while (performance.now() < end && target.end() === null) await Promise.race([foe.each([attack.name]), dead(world)])
}

const settleMs = 1000
const longestFault = 140

function stateOf(target: Target): string {
  const end = target.end()
  return end === null ? 'lives' : `died (${end.signal ?? end.code}${reasonIn(target.output())})`
}

async function dead({ target }: World): Promise<void> {
  while (target.end() === null) await sleep(50)
}

/** Time that the event loop stood still, of the service's own. */
async function stalledSeconds(url: string): Promise<number> {
  const text = await fetch(`${url}/metrics`).then(
    reply => reply.text(),
    () => '',
  )
  return Number(/^askwell_event_loop_stalled_seconds_total (\S+)/m.exec(text)?.[1] ?? NaN)
}

function reasonIn(output: string): string {
  const reason = /FATAL ERROR: [^\n]{0,80}|TypeError: [^\n]{0,80}|RangeError: [^\n]{0,80}|write EBADF/.exec(
    output.slice(-20_000),
  )
  return reason === null ? '' : `: ${reason[0]}`
}
