import { hash, randomBytes } from 'node:crypto'
import { createClient, type Client } from '../../cache/asking.ts'
import type { Keeper } from '../../cache/keeper.ts'
import { serveAskwell, type Served, type Settings } from '../../cache/servers.ts'
import type { World } from '../terms.ts'
import { allCores } from '../world.ts'
import { startModelProcess, type ModelProcess } from './model-process.ts'

export interface Service {
  readonly served: Served
  readonly client: Client
  readonly model: ModelProcess
  /** With the key that all users share. */
  readonly headers: Readonly<Record<string, string>>
  /** A gauge or counter without labels. */
  figure(name: string): Promise<number>
}

export interface ServiceOptions {
  /** Requests in ten seconds, of the key; KEY_RATE_LIMIT when absent. A loop without thinking asks more. */
  readonly rateLimit?: number
  readonly settings?: Settings
}

/** A fresh process with default limits, whose users share one key, as behind one chat backend; and a model of its own. */
export async function startService(
  t: Keeper,
  world: World,
  { rateLimit, settings: own = {} }: ServiceOptions = {},
): Promise<Service> {
  const model = await startModelProcess(t)
  const { RATE_LIMIT: _, RATE_LIMIT_SECONDS: __, ...settings } = world.settings(t)
  const key = randomBytes(16).toString('hex')
  const entry = {
    name: 'bench',
    sha256: hash('sha256', key),
    scopes: ['ask'],
    ...(rateLimit !== undefined && { rate_limit: rateLimit }),
  }
  const served = await serveAskwell(
    t,
    {
      ...settings,
      OPENAI_BASE_URL: model.url,
      API_KEYS: JSON.stringify([entry]),
      // Answers are asked for once: caches so small that they are full before anything is measured.
      ANSWER_CACHE_MB: '2',
      EMBEDDING_CACHE_MB: '1',
      ...own,
    },
    { cores: allCores },
  )
  const client = createClient(served.address)
  t.teardown(client.close)
  return {
    served,
    client,
    model,
    headers: { authorization: `Bearer ${key}` },
    async figure(name) {
      const text = await (await fetch(`${served.address}/metrics`)).text()
      return Number(new RegExp(`^askwell_${name} (\\S+)`, 'm').exec(text)?.[1])
    },
  }
}
