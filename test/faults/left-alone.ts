import { atLeast } from '../support/at-least.ts'
import { clientOf } from '../support/service.ts'
import type { Underway } from './scenario.ts'
import type { World } from './world.ts'

/** The least time between two probes: a second, less a fifth of chance. */
const betweenProbesMs = 800

/**
 * From when the service says that it does not ask `dependency` any more until the fault ends, `calls` may grow by its
 * probes and by nothing else, however many questions come; each worker has probes of its own. A bound on a count and not
 * on a time: a slow machine makes it larger. A machine so slow that nothing was noticed before the end proves nothing.
 */
export async function leftAlone(
  world: World,
  { t, signal, load }: Underway,
  dependency: string,
  calls: () => number | Promise<number>,
): Promise<void> {
  while (!signal.aborted && (await stateOf(world, dependency)) !== 'open') await atLeast(50)
  if (signal.aborted) return t.comment(`${dependency}: the fault was over before it was left alone`)
  const [beganAt, before, asked] = [performance.now(), await calls(), load.asked.length]
  await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
  const made = (await calls()) - before
  const probes = world.workers * (Math.ceil((performance.now() - beganAt) / betweenProbesMs) + 1)
  const questions = load.asked.slice(asked).filter(({ isKnown }) => !isKnown).length
  t.comment(`${dependency}: ${made} calls for ${questions} fresh questions while it was left alone`)
  t.ok(
    made <= probes,
    `${dependency} is asked ${made} times, by no more than ${probes} probes, while ${questions} fresh questions come`,
  )
}

async function stateOf({ url }: World, dependency: string): Promise<string | undefined> {
  return (await clientOf(url).send('GET', '/readyz')).json.breakers?.[dependency] as string | undefined
}

/** A figure of the service's own. */
export async function figureOf({ url }: World, name: string): Promise<number> {
  const { text } = await clientOf(url).send('GET', '/metrics')
  const line = text.split('\n').find(each => each.startsWith(`${name} `))
  if (line === undefined) throw new Error(`there is no ${name} in /metrics`)
  return Number(line.split(' ').at(-1))
}
