import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { settingsFor } from '../test/support/model-settings.ts'
import { startModel } from '../test/support/model.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { faq, load } from './cache/documents.ts'
import { createKeeper } from './cache/keeper.ts'
import { otherCores } from './cache/program.ts'
import { serveAskwell } from './cache/servers.ts'
import { weighable, weighed } from './support/weigh.ts'

/**
 * Clients that leave: how soon nothing works for them any more, and whether something of them stays.
 * `node bench/leavers.ts`: 1,000 at once, then 100,000 one after the other; `--requests 10000` for fewer.
 */
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, clients: { type: 'string', default: '1000' } },
})
const [requests, clients] = [Number(values.requests), Number(values.clients)]

/** Caches that fill are no leak: without them. */
const settings = {
  RATE_LIMIT: '0',
  ANSWER_CACHE_MB: '0',
  EMBEDDING_CACHE_MB: '0',
  SEMANTIC_CACHE: 'off',
  LOG_LEVEL: 'warn',
}

const t = createKeeper()
try {
  const database = await startPostgres(t)
  const model = await startModel(t, {
    chat: { answer: 'A book is lent for two weeks [1]. '.repeat(4), firstTokenMs: 50, perTokenMs: 10 },
  })
  const { address, program } = await serveAskwell(
    t,
    { DATABASE_URL: database.url, ...settingsFor(model, 'test-embedding'), ...settings },
    { flags: weighable, cores: otherCores },
  )
  await load(address, 'default', faq())
  const side = postgres(database.url, { max: 1, connection: { application_name: 'bench' } })
  t.teardown(() => side.end())
  const { port } = new URL(address)
  const state = { sent: 0, peak: { queries: 0, calls: 0, leases: 0 } }

  const ask = (longestMs: number) =>
    new Promise<void>(resolve => {
      const socket: Socket = connect(Number(port), '127.0.0.1')
      const message = messageOf(state.sent++)
      // Some leave in the middle of their body.
      socket.on('error', () => {}).once('close', () => resolve())
      socket.write(Math.random() < 0.05 ? message.slice(0, -10) : message)
      socket.resume()
      setTimeout(() => (Math.random() < 0.5 ? socket.destroy() : socket.resetAndDestroy()), Math.random() * longestMs)
    })
  const working = async () => {
    const [row] =
      await side`select count(*)::int as count from pg_stat_activity where application_name = 'askwell' and state = 'active'`
    const figures = await (await fetch(`${address}/metrics`)).text()
    return {
      queries: Number(row?.['count']),
      calls: model.answering,
      leases: Number(/^askwell_pool_checked_out (\d+)/m.exec(figures)?.[1]),
    }
  }
  const untilIdle = async () => {
    const start = performance.now()
    for (;;) {
      const { queries, calls, leases } = await working()
      if (queries + calls + leases === 0) return performance.now() - start
    }
  }
  const settled = async () => {
    await sleep(6000) // idle connections to the model are closed, surplus ones to the database too
    return await weighed(program)
  }

  const rounds: number[] = []
  for (let round = 0; round < 5; round++) {
    const leaving = Promise.all(Array.from({ length: clients }, () => ask(2000)))
    const busiest = sampled(working, leaving)
    await leaving
    rounds.push(await untilIdle())
    const { queries, calls, leases } = await busiest
    console.log(
      `${clients} left: 0 queries, 0 model calls, 0 leases after ${rounds.at(-1)!.toFixed(0)} ms (meanwhile up to ${queries}, ${calls}, ${leases})`,
    )
  }

  const many = async (count: number) => {
    let left = count
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        while (left-- > 0) await ask(120)
      }),
    )
    for (const endpoint of [model.chat, model.embeddings]) (endpoint.requests as unknown[]).length = 0
  }
  await many(Math.min(10_000, requests))
  const before = await settled()
  const start = performance.now()
  for (let at = 0; at < requests; at += 10_000) await many(Math.min(10_000, requests - at))
  const seconds = (performance.now() - start) / 1000
  console.log(
    `${requests} left, ${(requests / seconds).toFixed(0)} a second; idle after ${(await untilIdle()).toFixed(0)} ms`,
  )
  const after = await settled()
  for (const kind of ['heap', 'external', 'rss'] as const)
    console.log(`${kind}: ${before[kind].toFixed(1)} MB before, ${after[kind].toFixed(1)} MB after`)
  const figures = await (await fetch(`${address}/metrics`)).text()
  console.log(
    figures
      .split('\n')
      .filter(line => /^askwell_(pool_\w+_total|failures_total)/.test(line))
      .join('\n'),
  )
} finally {
  await t.end()
}

/** Every tenth asks what others ask at the same time. */
function messageOf(number: number): string {
  const visitor = number % 10 === 0 ? Math.floor(number / 100) : number
  const body = JSON.stringify({
    question: `How long may I keep a book (visitor ${visitor})?`,
    stream: number % 2 === 0,
  })
  return `POST /ask HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** The most of each that was seen meanwhile. */
async function sampled<T extends Record<string, number>>(
  look: () => Promise<T>,
  meanwhile: Promise<unknown>,
): Promise<T> {
  let isOver = false
  void meanwhile.then(() => (isOver = true))
  let most = await look()
  while (!isOver) {
    const now = await look()
    most = Object.fromEntries(Object.entries(now).map(([name, value]) => [name, Math.max(value, most[name] ?? 0)])) as T
    await sleep(50)
  }
  return most
}
