import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { atMost, rounded } from '../../cache/figures.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, type Served } from '../../cache/servers.ts'
import { asPeopleAsk } from '../../cache/zipf.ts'
import { memoryOf, readable } from '../../support/weigh.ts'
import { askingAnew, loaded } from '../subjects.ts'
import type { Outcome, Scenario, World } from '../terms.ts'

interface Sample {
  readonly 'after, s': number
  readonly 'resident, MB': number
  readonly 'heap used, MB': number
  readonly 'heap, MB': number
  readonly 'external, MB': number
  readonly 'array buffers, MB': number
  readonly 'cached answers, MB': number
  readonly 'cached vectors, MB': number
  readonly questions: number
}

const mostMb = 300

/** As `npm start` does it. */
function started(): { readonly program: string; readonly flags: readonly string[] } {
  const root = new URL('../../../', import.meta.url)
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  const words = scripts['start']!.split(' ').slice(2, -1)
  return { program: fileURLToPath(new URL(words.at(-1)!, root)), flags: words.slice(0, -1) }
}

/**
 * Mostly questions that nobody asked before, with the default caches, which fill: what an operator has to give a
 * process. No garbage collection is forced.
 */
async function run(world: World, t: Keeper): Promise<Outcome> {
  const { program, flags } = started()
  const served = await serveAskwell(
    t,
    { ...world.settings(t), LOG_LEVEL: 'warn' },
    { program, flags: [...readable, ...flags] },
  )
  const every = world.soakSeconds / 2
  const load = { seconds: every, mayRefuse: true }
  const bodies = asPeopleAsk(10_000, 500).map(body => JSON.stringify(body))
  const samples = [await sampleOf(served, 0)]
  for (const at of [every, 2 * every]) {
    const all = [
      loaded('Zipf mix', served, () => bodies, { ...load, connections: 1 }),
      askingAnew('fresh', served, world, { ...load, connections: 9 }),
    ]
    await Promise.all(all.map(({ shoot }) => shoot()))
    samples.push(await sampleOf(served, at))
  }
  return {
    tables: [{ title: `${world.soakSeconds} s under a mixed load, 10 connections, default caches`, rows: samples }],
    claims: [atMost('memory: resident MB at the end', samples.at(-1)!['resident, MB'], mostMb, 0)],
  }
}

async function sampleOf(served: Served, at: number): Promise<Sample> {
  const text = await (await fetch(`${served.address}/metrics`)).text()
  const sumOf = (series: string) =>
    Array.from(text.matchAll(new RegExp(`^askwell_${series} (\\S+)`, 'gm')), ([, value]) => Number(value)).reduce(
      (sum, value) => sum + value,
      0,
    )
  const mb = (bytes: number) => rounded(bytes / 2 ** 20, 1)
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = await memoryOf(served.program)
  return {
    'after, s': at,
    'resident, MB': rounded(rss / 2 ** 20, 0),
    'heap used, MB': mb(heapUsed),
    'heap, MB': mb(heapTotal),
    'external, MB': mb(external),
    'array buffers, MB': mb(arrayBuffers),
    'cached answers, MB': mb(sumOf('cache_bytes\\{cache_type="answer"\\}')),
    'cached vectors, MB': mb(sumOf('cache_bytes\\{cache_type="embedding"\\}')),
    questions: sumOf('request_latency_seconds_count\\{[^}]*\\}'),
  }
}

export const memory: Scenario = { about: 'memory of a process with the default caches', run }
