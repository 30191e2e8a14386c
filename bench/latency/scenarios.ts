import { cold } from './scenarios/cold.ts'
import { concurrency } from './scenarios/concurrency.ts'
import { hot } from './scenarios/hot.ts'
import { ingest } from './scenarios/ingest.ts'
import { memory } from './scenarios/memory.ts'
import { model } from './scenarios/model.ts'
import { near } from './scenarios/near.ts'
import { overload } from './scenarios/overload.ts'
import { redis } from './scenarios/redis.ts'
import { sizes } from './scenarios/sizes.ts'
import { soak } from './scenarios/soak.ts'
import { start } from './scenarios/start.ts'
import { stream } from './scenarios/stream.ts'
import { users } from './scenarios/users.ts'
import { workers } from './scenarios/workers.ts'
import { zipf } from './scenarios/zipf.ts'
import type { Options } from './options.ts'
import type { Scenario } from './terms.ts'

/** In the order they run. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  hot,
  redis,
  near,
  zipf,
  cold,
  model,
  stream,
  concurrency,
  start,
  ingest,
  sizes,
  overload,
  users,
  workers,
  soak,
  memory,
}

/** Names of what this run is made of. Throws where one is not known, or cannot be. */
export function chosen({ only, quick, embedded }: Pick<Options, 'only' | 'quick' | 'embedded'>): string[] {
  const unknown = (only ?? []).filter(name => !(name in scenarios))
  if (unknown.length > 0)
    throw new Error(`no scenario ${unknown.join(', ')}; there are ${Object.keys(scenarios).join(', ')}`)
  const impossible = embedded ? (only ?? []).filter(name => scenarios[name]!.needs !== undefined) : []
  if (impossible.length > 0) throw new Error(`${impossible.join(', ')}: not with --embedded`)
  if (only !== null) return [...only]
  return Object.entries(scenarios)
    .filter(([, each]) => secondsOf(each, quick) !== undefined && !(embedded && each.needs !== undefined))
    .map(([name]) => name)
}

export function secondsOf({ quickSeconds, fullSeconds }: Scenario, isQuick: boolean): number | undefined {
  return isQuick ? quickSeconds : fullSeconds
}
