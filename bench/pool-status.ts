import { request } from 'node:http'
import { parseArgs } from 'node:util'
import { createKeeper } from './cache/keeper.ts'
import { readConfig } from '../src/config/config.ts'
import { createLogger } from '../src/log.ts'
import { startServer } from '../src/server.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { until } from '../test/support/until.ts'

/**
 * How soon GET /monitoring/pool-status answers: with nothing the matter, with 200 requests waiting for a connection, and with
 * Postgres frozen. `node bench/pool-status.ts`; `--requests 500` for fewer.
 */
const { values } = parseArgs({ options: { requests: { type: 'string', default: '2000' } } })

const t = createKeeper()
try {
  const postgres = await startPostgres(t)
  const config = readConfig({
    DATABASE_URL: postgres.url,
    PORT: '0',
    LOG_LEVEL: 'silent',
    RATE_LIMIT: '0',
    POOL_SIZE: '5',
    POOL_MAX_OVERFLOW: '5',
  })
  const server = await startServer(config, createLogger(config))
  t.teardown(server.stop)
  const verdict = async () =>
    ((await (await fetch(`${server.address}/monitoring/pool-status`)).json()) as { verdict: string }).verdict

  await measure('nothing the matter', server.address)
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const leases = Array.from({ length: 210 }, () =>
    server.deps.database.lease({ signal: new AbortController().signal, label: 'bench' }, () => release),
  )
  await until('the pool is exhausted', async () => (await verdict()) === 'exhausted')
  await measure('200 wait for a connection', server.address)
  resolve()
  await Promise.all(leases)
  postgres.freeze()
  try {
    await measure('Postgres frozen, from the first moment', server.address)
    await until('it is known', async () => (await verdict()) === 'down')
    await measure('Postgres frozen, and known', server.address)
  } finally {
    postgres.thaw()
  }
} finally {
  await t.end()
}

/** One after the other, over one connection; the client's own time included. */
async function measure(what: string, address: string): Promise<void> {
  const times: number[] = []
  for (let nth = 0; nth < Number(values.requests); nth++) {
    const start = performance.now()
    await get(`${address}/monitoring/pool-status`)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(share * times.length)]!.toFixed(2)
  console.log(`${what.padEnd(40)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms  longest ${times.at(-1)!.toFixed(2)} ms`)
}

function get(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, reply => reply.resume().on('end', resolve).on('error', reject))
      .on('error', reject)
      .end()
  })
}
