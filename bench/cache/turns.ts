import { median, quantile, rounded } from './figures.ts'
import { underLoad, type LoadForm, type LoadResult } from './load.ts'
import type { Served } from './servers.ts'

/** A server and how long it is measured in a turn. */
export interface Subject {
  readonly name: string
  readonly served: Served
  readonly seconds: number
  readonly form?: LoadForm
}

export interface Compared {
  readonly name: string
  /** Medians of the turns. */
  readonly perSecond: number
  readonly cpuUs: number
  /** A turn's requests a second by those of the bare route, which is measured before and after the others; each turn's, and their median. */
  readonly ratios: readonly number[]
  readonly ratio: number
  /** The bare route's processor time a request by this one's: the stricter figure where the load and not the bare route is what is slow. */
  readonly cpuRatio: number
}

const warmUpSeconds = 1.5

/** Every subject once, then every subject again: what slows the machine for a while slows all of them. */
export async function inTurns(
  bare: Subject,
  others: readonly Subject[],
  body: object,
  repeat: number,
): Promise<Compared[]> {
  for (const { served, form } of [bare, ...others]) await underLoad(served, body, warmUpSeconds, form)
  const turns: Record<string, LoadResult>[] = []
  for (let turn = 1; turn <= repeat; turn++) {
    const results: [string, LoadResult][] = []
    for (const { name, served, seconds, form } of [bare, ...others, { ...bare, name: 'bare again' }]) {
      results.push([name, await underLoad(served, body, seconds, form)])
    }
    turns.push(Object.fromEntries(results))
  }
  return [bare, ...others].map(({ name }) => compared(name, bare.name, turns))
}

function compared(name: string, bare: string, turns: readonly Record<string, LoadResult>[]): Compared {
  const perSecond = median(turns.map(turn => turn[name]!.perSecond))
  const cpuUs = median(turns.map(turn => turn[name]!.cpuUs))
  const ratios = turns.map(
    turn => (2 * turn[name]!.perSecond) / (turn[bare]!.perSecond + turn['bare again']!.perSecond),
  )
  const cpuRatio = median(turns.map(turn => (turn[bare]!.cpuUs + turn['bare again']!.cpuUs) / 2 / turn[name]!.cpuUs))
  return { name, perSecond, cpuUs, ratios, ratio: median(ratios), cpuRatio }
}

/** Below 100 % busy the server waited for the load. */
export function lineOf({ name, perSecond, cpuUs, ratios, ratio, cpuRatio }: Compared): object {
  const apart = `${rounded(quantile(ratios, 0), 2)}–${rounded(quantile(ratios, 1), 2)}`
  return {
    what: name,
    'a second': rounded(perSecond, 0),
    'CPU µs': rounded(cpuUs, 1),
    'busy, %': rounded((perSecond * cpuUs) / 1e4, 0),
    'of bare': rounded(ratio, 3),
    turns: apart,
    'of bare by CPU': rounded(cpuRatio, 3),
  }
}
