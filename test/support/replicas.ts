import type { Reply } from './app.ts'
import type { Owner } from './server-process.ts'
import { clientOf, startService, type Service } from './service.ts'
import { until } from './until.ts'

/** One of several `askwell serve` processes that answer from the same database. */
export interface Replica extends Service {
  readonly url: string
  ask(body: object, headers?: Record<string, string>): Promise<Reply>
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>
}

/** Resolves when all replicas are ready and, with `REDIS_URL`, connected to Redis. */
export async function startReplicas(t: Owner, count: number, settings: Record<string, string>): Promise<Replica[]> {
  const services = Array.from({ length: count }, () => startService(t, settings))
  return await Promise.all(services.map(service => replicaOf(service, settings)))
}

async function replicaOf(service: Service, settings: Record<string, string>): Promise<Replica> {
  const url = await service.ready()
  const client = clientOf(url)
  if (settings['REDIS_URL'])
    await until('it has its Redis', async () => (await client.send('GET', '/readyz')).json.components.redis === 'ready')
  // Not spread, because `log` and `stderr` are getters.
  return Object.assign(Object.create(service) as Service, { url, ...client })
}
