import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Owner } from './server-process.ts'

export interface Gateway {
  readonly port: number
  /** Silently drops all traffic of the connections that are open now; later connections work. */
  forget(): void
}

/** A gateway between Askwell and a server, like a firewall or a load balancer. */
export async function startGateway(t: Owner, target: number): Promise<Gateway> {
  const pairs = new Set<readonly [Socket, Socket]>()
  const server = createServer(client => {
    const upstream = connect(target, '127.0.0.1')
    const pair = [client, upstream] as const
    pairs.add(pair)
    client.pipe(upstream)
    upstream.pipe(client)
    for (const each of pair) each.on('error', () => {}).on('close', () => pair.forEach(other => other.destroy()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const all: (readonly [Socket, Socket])[] = []
  t.teardown(() => {
    for (const pair of [...pairs, ...all]) for (const each of pair) each.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    forget() {
      for (const pair of pairs) {
        for (const each of pair)
          each
            .unpipe()
            .removeAllListeners('close')
            .on('data', () => {})
        all.push(pair)
      }
      pairs.clear()
    },
  }
}
