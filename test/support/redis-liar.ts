import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import type { Owner } from './server-process.ts'

/** Starts a proxy in front of a Redis server that changes its replies. Returns the URL of the proxy. */
export async function startLiar(t: Owner, port: number, change: (replies: string) => string): Promise<string> {
  const server = createServer(client => {
    const redis = connect(port, '127.0.0.1')
    for (const socket of [client, redis]) socket.on('error', () => {})
    client.on('close', () => redis.destroy()).pipe(redis)
    redis.on('close', () => client.destroy())
    redis.on('data', chunk => client.write(change(chunk.toString('latin1')), 'latin1'))
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}
