import fc from 'fast-check'
import postgres from 'postgres'
import { setTimeout as sleep } from 'node:timers/promises'
import { fuzzRequests } from '../../support/fuzz-requests.ts'
import type { Attack, Hand } from '../terms.ts'
import { ingestAttack } from './ingest.ts'

/** Around the questions: monitoring, pages, the database, and whatever openapi.yaml lets a client send. */

/** Words of the honest client's questions: they stand in the monitoring of a service with LOG_QUESTIONS=on. */
const othersWords = /guest number \d+/

export const otherAttacks: readonly Attack[] = [
  {
    name: 'monitoring, read under a name of elsewhere and without a key',
    routes: ['GET /monitoring/performance-metrics', 'GET /monitoring/pool-status', 'GET /metrics', 'GET /monitoring'],
    async play(hand) {
      for (const path of ['/monitoring/performance-metrics', '/monitoring/pool-status', '/metrics', '/monitoring']) {
        const heard = await hand.send('GET', path, { key: null, headers: { host: 'evil.example' } })
        if (othersWords.test(heard.body)) hand.found(`GET ${path} shows questions of others to a page of elsewhere`)
        await hand.send('GET', path, { headers: { accept: hand.pick(['application/openmetrics-text', '*/*', ',;q=9'.repeat(500)]) } })
      }
    },
  },
  {
    name: 'pages and probes, in every form',
    routes: ['GET /', 'GET /docs', 'GET /openapi.yaml', 'GET /livez', 'GET /readyz', 'GET /startupz', 'GET /monitoring'],
    async play(hand) {
      for (const path of ['/', '/docs', '/openapi.yaml', '/livez', '/readyz', '/startupz', '/monitoring']) {
        await hand.send('GET', `${path}?${hand.pick(['a=%ff', '__proto__[x]=1', 'a='.repeat(3000), '%00'])}`, { headers: { range: 'bytes=0-1', 'accept-encoding': 'gzip;q=0', 'if-none-match': '*' } })
      }
    },
  },
  { name: 'whatever openapi.yaml lets a client send, and nearly that', routes: 'any', play: fuzz },
  {
    name: 'connections of the database ended at random moments',
    routes: ['POST /ask', 'POST /search'],
    play: endConnections,
  },
  ingestAttack,
]

async function fuzz(hand: Hand): Promise<void> {
  const { ids } = hand.surroundings
  for (const { method, path, headers, body } of fc.sample(fuzzRequests(ids), { seed: hand.nat(2 ** 31), numRuns: 6 })) {
    // What is written, and what is forgotten, is the hostile collections' alone: the others' answers are to stay cached.
    if (method === 'DELETE' && path.startsWith('/cache')) continue
    const bytes = body === undefined ? undefined : Buffer.from(body.replaceAll('"collection":"default"', '"collection":"fuzz"'), 'latin1')
    await hand.send(method, path, { headers, key: null, ...(bytes && { body: bytes }) })
  }
}

const endings = 15
const betweenEndingsMs = 200

async function endConnections(hand: Hand): Promise<void> {
  const sql = postgres(hand.surroundings.databaseUrl, { max: 1, onnotice: () => undefined, connection: { application_name: 'hostile' } })
  const asking = (async () => {
    for (let nth = 0; nth < endings && !hand.signal.aborted; nth++) {
      await hand.send('POST', hand.pick(['/ask', '/search']), { body: { question: `Who keeps the list of room ${hand.nat(1e6)}?` } })
    }
  })()
  try {
    for (let nth = 0; nth < endings && !hand.signal.aborted; nth++) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'askwell%' order by random() limit 1`
      await sleep(betweenEndingsMs * hand.random() * 2)
    }
    await asking
  } finally {
    await sql.end({ timeout: 1 })
  }
}
