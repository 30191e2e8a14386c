import { startRedis, told, type Redis } from './redis.ts'
import { freePort, type Owner } from './server-process.ts'
import { until } from './until.ts'

export interface RedisCluster {
  /** URL with the first two nodes. */
  readonly url: string
  /** Each node has a third of the slots and no replica. */
  readonly nodes: readonly Redis[]
  /** Returns a key in a slot of the node. */
  keyOf(node: Redis): Promise<string>
}

const slotCount = 16_384

/** Starts three masters that continue to serve when one of them fails. */
export async function startRedisCluster(t: Owner): Promise<RedisCluster> {
  const busPorts = [await freePort(), await freePort(), await freePort()]
  const nodes = await Promise.all(busPorts.map(busPort => startNode(t, busPort)))
  for (const [i, node] of nodes.entries())
    await told(node, client => client.cluster('ADDSLOTSRANGE', ...slotsOf(i, nodes.length)))
  const [first] = nodes as [Redis, ...Redis[]]
  for (const [i, { port }] of nodes.entries())
    await told(first, client => client.call('CLUSTER', 'MEET', '127.0.0.1', port, busPorts[i] ?? 0))
  await until('all nodes know all slots', async () => (await Promise.all(nodes.map(knowsAll))).every(knows => knows))
  const keyOf = async (node: Redis) => {
    const [from, to] = slotsOf(nodes.indexOf(node), nodes.length)
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`)
    const slots = await told(node, client => Promise.all(keys.map(key => client.cluster('KEYSLOT', key))))
    return keys[slots.findIndex(slot => slot >= from && slot <= to)] ?? ''
  }
  return {
    url: `redis+cluster://${nodes
      .slice(0, 2)
      .map(({ port }) => `127.0.0.1:${port}`)
      .join()}`,
    nodes,
    keyOf,
  }
}

async function startNode(t: Owner, busPort: number): Promise<Redis> {
  const settings = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--cluster-require-full-coverage',
    'no',
  ]
  // The default bus port is 10,000 higher, which may not be a valid port.
  return await startRedis(t, [...settings, '--cluster-port', String(busPort)])
}

function slotsOf(i: number, count: number): [from: number, to: number] {
  return [Math.ceil((i * slotCount) / count), Math.ceil(((i + 1) * slotCount) / count) - 1]
}

async function knowsAll(node: Redis): Promise<boolean> {
  const state = await told(node, client => client.cluster('INFO'))
  return state.includes('cluster_state:ok') && state.includes(`cluster_slots_ok:${slotCount}`)
}
