import { allGood, fire } from '../cache/load.ts'
import type { Served } from '../cache/servers.ts'
import type { Subject } from '../support/interleave.ts'
import type { Shot } from './shots.ts'
import type { World } from './terms.ts'

export interface LoadOptions {
  readonly connections: number
  readonly seconds: number
  /** Replies that are no 200 are counted, not thrown: where there are more questions than can be answered. */
  readonly mayRefuse?: boolean
}

/** The same body over and over. */
export function asking(name: string, served: Served, body: object, options: LoadOptions): Subject<Shot> {
  return loaded(name, served, () => [JSON.stringify(body)], options)
}

/** More than are answered in a second. */
const mostFresh = 2000

/** Questions that nobody asked before. */
export function askingAnew(name: string, served: Served, world: World, options: LoadOptions): Subject<Shot> {
  return loaded(
    name,
    served,
    () => world.fresh(Math.ceil(options.seconds * mostFresh)).map(body => JSON.stringify(body)),
    options,
  )
}

type Bodies = () => readonly string[]

export function loaded(
  name: string,
  { address, program }: Served,
  bodies: Bodies,
  { connections, seconds, mayRefuse = false, path = '/ask' }: LoadOptions & { readonly path?: string },
): Subject<Shot> {
  const shoot = async () => {
    const result = await fire({ url: `${address}${path}`, connections, seconds, bodies: bodies() }, program.pid)
    return mayRefuse ? result : allGood(result, name)
  }
  return { name, shoot }
}
