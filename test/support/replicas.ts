import type { Reply } from './app.ts'
import type { Owner } from './server-process.ts'
import { clientOf, startService, type Service } from './service.ts'
import { until } from './until.ts'

/** One of several `askwell serve` that answer from the same database, each a process of its own. */
export interface Replica extends Service {
  readonly url: string
  ask(body: object, headers?: Record<string, string>): Promise<Reply>
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>
}

/** All ready; with `REDIS_URL` they are connected to it as well. */
export async function startReplicas(t: Owner, count: number, settings: Record<string, string>): Promise<Replica[]> {
  const services = Array.from({ length: count }, () => startService(t, settings))
  return await Promise.all(services.map(service => replicaOf(service, settings)))
}

async function replicaOf(service: Service, settings: Record<string, string>): Promise<Replica> {
  const url = await service.ready()
  const client = clientOf(url)
  if (settings['REDIS_URL'])
    await until('it has its Redis', async () => (await client.send('GET', '/readyz')).json.components.redis === 'ready')
  // Not spread: its log and stderr are read when they are asked for.
  return Object.assign(Object.create(service) as Service, { url, ...client })
}
