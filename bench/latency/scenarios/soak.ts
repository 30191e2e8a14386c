import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { hotQuestion } from '../../cache/documents.ts'
import { atMost, rounded } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, type Served } from '../../cache/servers.ts'
import { asPeopleAsk } from '../../cache/zipf.ts'
import { weighable, weighed } from '../../support/weigh.ts'
import { askingAnew, asking, loaded } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'

interface Sample {
  readonly 'after, s': number
  readonly 'heap, MB': number
  readonly 'buffers, MB': number
  readonly 'resident, MB': number
  readonly handles: number
  readonly 'open files': number
  readonly 'loop late p99, ms': number
}

/** Caches that fill are no leak: small ones are full in the first minute. */
const small = { ANSWER_CACHE_MB: '4', EMBEDDING_CACHE_MB: '2', LOG_LEVEL: 'warn' }

/** Everything at once for long: hot questions, the Zipf mix, and questions never asked before; looked at each minute, after a forced collection of garbage. */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const served = await serveAskwell(t, { ...world.settings(t), ...small }, { flags: weighable })
  const every = Math.min(60, world.soakSeconds / 10)
  const load = { seconds: every, mayRefuse: true }
  const bodies = asPeopleAsk(10_000, 500).map(body => JSON.stringify(body))
  const samples: Sample[] = []
  for (let at = every; at <= world.soakSeconds + 0.001; at += every) {
    const all = [
      asking('hot', served, hotQuestion, { ...load, connections: 2 }),
      loaded('Zipf mix', served, () => bodies, { ...load, connections: 4 }),
      askingAnew('fresh', served, world, { ...load, connections: 4 }),
    ]
    await Promise.all(all.map(({ shoot }) => shoot()))
    samples.push(await sampleOf(served, at))
  }
  return {
    tables: [{ title: `${world.soakSeconds} s under a mixed load, 10 connections`, rows: samples }],
    claims: claimsOf(samples, world.soakSeconds),
  }
}

async function sampleOf(served: Served, at: number): Promise<Sample> {
  const text = await (await fetch(`${served.address}/metrics`)).text()
  const valueOf = (name: string) => Number(new RegExp(`^askwell_${name} (\\S+)`, 'm').exec(text)?.[1])
  const sumOf = (name: string) =>
    Array.from(text.matchAll(new RegExp(`^askwell_${name}\\{[^}]*\\} (\\S+)`, 'gm')), ([, value]) =>
      Number(value),
    ).reduce((sum, value) => sum + value, 0)
  await sleep(500) // what the load left behind is closed
  const { heap, external, rss } = await weighed(served.program)
  const files = readdirSync(`/proc/${served.program.pid}/fd`).length
  return {
    'after, s': at,
    'heap, MB': rounded(heap, 1),
    'buffers, MB': rounded(external, 1),
    'resident, MB': rounded(rss, 0),
    handles: sumOf('nodejs_active_handles'),
    'open files': files,
    'loop late p99, ms': rounded(1000 * valueOf('nodejs_eventloop_lag_p99_seconds'), 1),
  }
}

function claimsOf(samples: readonly Sample[], seconds: number) {
  const [first, last] = [samples[0]!, samples.at(-1)!]
  return [
    atMost(`soak: heap after ${seconds} s by that after the first tenth`, last['heap, MB'] / first['heap, MB'], 1.05),
    atMost(
      'soak: open files at the end beyond those after the first tenth',
      last['open files'] - first['open files'],
      10,
    ),
  ]
}

export const soak: Scenario = { about: 'memory, handles and lateness under a mixed load', run }
