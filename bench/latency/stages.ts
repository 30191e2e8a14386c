import { clientOf } from '../../test/support/service.ts'
import { median } from '../cache/figures.ts'
import type { Served } from '../cache/servers.ts'
import type { World } from './terms.ts'

/** What each stage takes of questions that are asked one after the other, by the service's own `timings_ms`: medians; `rest` is what is in no stage. */
export async function stagesOf({ address }: Served, world: World, count: number): Promise<Record<string, number>> {
  const { ask } = clientOf(address)
  const all: Record<string, number>[] = []
  for (const body of world.fresh(count)) {
    const { json } = await ask({ ...body, include: ['timings'] })
    all.push(json.timings_ms as Record<string, number>)
  }
  const names = [...new Set(all.flatMap(timings => Object.keys(timings)))].filter(name => name !== 'total')
  const of = (name: string) => median(all.map(timings => timings[name] ?? 0))
  const stages = Object.fromEntries(names.map(name => [name, of(name)]))
  const rest = median(all.map(({ total = 0, ...each }) => total - Object.values(each).reduce((sum, ms) => sum + ms, 0)))
  return { ...stages, rest: Math.max(0, rest) }
}
