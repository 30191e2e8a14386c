import { setTimeout as sleep } from 'node:timers/promises'
import { createKeeper } from '../../bench/cache/keeper.ts'
import { databaseMb, spentSequences, stopAndLook } from './leftovers.ts'
import { repliesOf, tableOf } from './table.ts'
import { weigh } from './target.ts'
import type { Attack } from './terms.ts'
import { isFailed, quantile } from './verdicts.ts'
import { openWorld, type Servers, type World, type WorldOptions } from './world.ts'

/** Each attack against a service of its own, for figures before and after a change. Asserts nothing. */
export async function playEach(servers: Servers, chosen: readonly Attack[], options: WorldOptions & { readonly seconds: number }): Promise<number> {
  const rows: string[][] = []
  for (const attack of chosen) {
    const t = createKeeper()
    try {
      const world = await openWorld(t, servers, options)
      rows.push(await alone(world, attack, options.seconds))
    } catch (error) {
      rows.push([attack.name, String(error).slice(0, 100), ...heads.slice(2).map(() => '–')])
    } finally {
      await t.end()
    }
    console.log(rows.at(-1)!.join(' | '))
  }
  console.log(`\n${tableOf(heads, rows)}\n`)
  return 0
}

const heads = ['attack', 'process', 'plays', 'honest failed', 'p50/max ms', 'stalled s', 'most MB', 'heap kept MB', 'database MB', 'found', 'replies']

async function alone(world: World, attack: Attack, seconds: number): Promise<string[]> {
  const { target, foe, load, databaseUrl } = world
  await sleep(1500)
  const [weight, size, stalled] = [await weigh(target), await databaseMb(databaseUrl), await stalledSeconds(target.url)]
  const from = performance.now()
  const end = from + seconds * 1000
  while (performance.now() < end && target.end() === null) await Promise.race([foe.each([attack.name]), dead(world)])
  await sleep(1000)
  const asked = load.asked.filter(({ at }) => at >= from)
  const pending = [...load.underWay].map(at => performance.now() - at)
  const times = [...asked.map(({ ms }) => ms), ...pending]
  const after = await weigh(target)
  const stalledAfter = target.end() === null ? await stalledSeconds(target.url) : NaN
  const grown = (await databaseMb(databaseUrl)) - size
  const spent = await spentSequences(databaseUrl)
  const died = target.end()
  await load.stop()
  const left = await stopAndLook(world)
  const faults = [...new Set([...foe.played.flatMap(({ faults }) => faults.map(each => each.split('\n')[0]!.slice(0, 140))), ...spent, ...(died === null ? left : [])])]
  return [
    attack.name,
    died === null ? 'lives' : `DIED (${died.signal ?? died.code}${reasonIn(target.output())})`,
    String(foe.played.length),
    `${asked.filter(isFailed).length} of ${asked.length}`,
    `${quantile(times, 0.5).toFixed(0)}/${Math.max(...times).toFixed(0)}`,
    died === null ? (stalledAfter - stalled).toFixed(1) : '–',
    target.peak.own.toFixed(0),
    weight === null || after === null ? '–' : (after.heap - weight.heap).toFixed(1),
    `+${grown.toFixed(1)}`,
    faults.join('; ') || '–',
    repliesOf(foe.played),
  ]
}

async function dead({ target }: World): Promise<void> {
  while (target.end() === null) await sleep(50)
}

/** Time that the event loop stood still, of the service's own. */
async function stalledSeconds(url: string): Promise<number> {
  const text = await fetch(`${url}/metrics`).then(reply => reply.text(), () => '')
  return Number(/^askwell_event_loop_stalled_seconds_total (\S+)/m.exec(text)?.[1] ?? NaN)
}

function reasonIn(output: string): string {
  const reason = /FATAL ERROR: [^\n]{0,80}|TypeError: [^\n]{0,80}|RangeError: [^\n]{0,80}|write EBADF/.exec(output.slice(-20_000))
  return reason === null ? '' : `: ${reason[0]}`
}
