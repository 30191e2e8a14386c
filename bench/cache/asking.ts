import { Agent, request } from 'node:http'

/** One reply, as a client sees it. A connection that broke is status 0. */
export interface Asked {
  readonly status: number
  readonly ms: number
  /** What the reply says of the cache: hit, near, stale, coalesced, miss, bypass. */
  readonly cache: string | undefined
  readonly tier: string | undefined
  readonly abstained: boolean | undefined
  /** llm, extractive or none. */
  readonly generator: string | undefined
}

/** As many connections as there are questions at once, kept for the next ones. */
export function createClient(address: string) {
  const agent = new Agent({ keepAlive: true })
  const url = `${address}/ask`

  async function ask(body: object, headers: Readonly<Record<string, string>> = {}): Promise<Asked> {
    const start = performance.now()
    const { status, text } = await exchange(url, JSON.stringify(body), headers, agent).catch(() => ({
      status: 0,
      text: '{}',
    }))
    const ms = performance.now() - start
    const { cache, abstained, generator } = JSON.parse(text) as {
      cache?: { status: string; tier?: string }
      abstained?: boolean
      generator?: string
    }
    return { status, ms, cache: cache?.status, tier: cache?.tier, abstained, generator }
  }

  return { ask, close: () => agent.destroy() }
}

export type Client = ReturnType<typeof createClient>

function exchange(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  agent: Agent,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers }
    const asked = request(url, { method: 'POST', agent, headers: all }, reply => {
      let text = ''
      reply
        .setEncoding('utf8')
        .on('data', (part: string) => (text += part))
        .once('error', reject)
      reply.once('end', () => resolve({ status: reply.statusCode ?? 0, text }))
    })
    asked.once('error', reject).end(body)
  })
}

/** Takes one body after the other, `connections` at once, until there are none left. */
export async function askAll(
  { ask }: Client,
  bodies: Iterable<object>,
  connections: number,
  headers?: Readonly<Record<string, string>>,
): Promise<Asked[]> {
  const left = bodies[Symbol.iterator]()
  const all: Asked[] = []
  const worker = async () => {
    for (let next = left.next(); !next.done; next = left.next()) all.push(await ask(next.value, headers))
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return all
}

/** How often each value comes, as `{ '200': 990, '503': 10 }`. */
export function counted(values: readonly (string | number | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1
  return counts
}
