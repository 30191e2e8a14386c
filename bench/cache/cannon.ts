import { createRequire } from 'node:module'
import { createHistogram } from 'node:perf_hooks'
import { json } from 'node:stream/consumers'

/**
 * autocannon as a library, in a process of its own: a job comes in as JSON, its figures go out as JSON. The latencies
 * are counted here, in microseconds (an HDR histogram with three figures): autocannon's own counts whole milliseconds,
 * and an answer from memory takes a tenth of one.
 */
export interface Job {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent in turn, over and over. */
  readonly bodies: readonly string[]
}

export interface Fired {
  /** Replies of each status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly errors: number
  readonly timeouts: number
  readonly seconds: number
  /** Of the replies with 200: percentile and milliseconds, from 0 to 100. */
  readonly curve: readonly (readonly [percentile: number, ms: number])[]
}

interface Instance {
  on(event: 'response', heard: (client: unknown, status: number, bytes: number, ms: number) => void): void
  then: Promise<Result>['then']
}

interface Result {
  readonly duration: number
  readonly errors: number
  readonly timeouts: number
}

type Autocannon = (options: object) => Instance

/** As many points as a curve needs; those that are told by name are among them. */
export const percentiles = [
  0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97.5, 98, 99, 99.5, 99.9, 99.95, 99.99, 100,
] as const

async function fire({ url, connections, seconds, headers, bodies }: Job): Promise<Fired> {
  const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon
  const latencies = createHistogram({ lowest: 1, highest: 120_000_000, figures: 3 })
  const statuses: Record<string, number> = {}
  let number = 0
  const setupRequest = (request: object) => ({ ...request, body: bodies[number++ % bodies.length] })
  // A body that never changes is built once.
  const requests = bodies.length === 1 ? [{ body: bodies[0] }] : [{ setupRequest }]
  const all = { 'content-type': 'application/json', ...headers }
  const instance = autocannon({
    url,
    connections,
    duration: seconds,
    method: 'POST',
    headers: all,
    requests,
    timeout: 60,
  })
  instance.on('response', (_, status, __, ms) => {
    statuses[status] = (statuses[status] ?? 0) + 1
    if (status === 200) latencies.record(Math.max(1, Math.round(ms * 1000)))
  })
  const { duration, errors, timeouts } = await instance
  const curve = percentiles.map(
    percentile => [percentile, (percentile === 0 ? latencies.min : latencies.percentile(percentile)) / 1000] as const,
  )
  return { statuses, errors, timeouts, seconds: duration, curve: latencies.count === 0 ? [] : curve }
}

if (import.meta.main) process.stdout.write(JSON.stringify(await fire((await json(process.stdin)) as Job)))
