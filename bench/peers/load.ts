import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { quantile } from '../cache/figures.ts'
import { questionsOf, type Mix } from './asked.ts'

/**
 * autocannon as a process of its own: `connections` that are kept, each with one question at a time. It ends after so
 * many seconds or questions, whatever comes first, and prints a {@link Loaded}. autocannon's own latencies are whole
 * milliseconds, so they are taken from its events.
 */

export interface Loaded {
  /** Replies with status 200. */
  readonly answered: number
  /** Other replies, broken connections and those slower than 10 s. */
  readonly errors: number
  readonly seconds: number
  /** Of the answered. */
  readonly p50: number
  readonly p99: number
}

interface Instance extends PromiseLike<unknown> {
  on(event: 'response', work: (client: unknown, status: number, bytes: number, ms: number) => void): void
  on(event: 'reqError', work: () => void): void
  stop(): void
}

/** The package has no types. */
const autocannon = createRequire(import.meta.url)('autocannon') as (options: object) => Instance

if (import.meta.main) await run()

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      address: { type: 'string', default: '' },
      mix: { type: 'string', default: 'cold' },
      turn: { type: 'string', default: '0' },
      connections: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '5' },
      questions: { type: 'string', default: 'Infinity' },
    },
  })
  const next = questionsOf(values.mix as Mix, Number(values.turn))
  const bounds = {
    connections: Number(values.connections),
    seconds: Number(values.seconds),
    limit: Number(values.questions),
  }
  console.log(JSON.stringify(await loaded(`${values.address}/ask`, next, bounds)))
}

async function loaded(
  url: string,
  next: () => string,
  { connections, seconds, limit }: { readonly connections: number; readonly seconds: number; readonly limit: number },
): Promise<Loaded> {
  const latencies: number[] = []
  let errors = 0
  const begin = performance.now()
  let end = begin
  const setupRequest = (request: object) => ({ ...request, body: JSON.stringify({ question: next() }) })
  const requests = [{ method: 'POST', headers: { 'content-type': 'application/json' }, setupRequest }]
  const instance = autocannon({ url, connections, duration: seconds, timeout: 10, requests })
  instance.on('reqError', () => errors++)
  instance.on('response', (_client, status, _bytes, ms) => {
    if (latencies.length + errors >= limit) return
    if (status === 200) latencies.push(ms)
    else errors++
    end = performance.now()
    if (latencies.length + errors >= limit) instance.stop()
  })
  await instance
  return {
    answered: latencies.length,
    errors,
    seconds: (end - begin) / 1000,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  }
}
