import fc from 'fast-check'
import postgres from 'postgres'
import { setTimeout as sleep } from 'node:timers/promises'
import { fuzzRequests, type FuzzRequest } from '../../support/fuzz-requests.ts'
import { hostileCollection, type Attack, type Hand } from '../terms.ts'
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
        await hand.send('GET', path, {
          headers: { accept: hand.pick(['application/openmetrics-text', '*/*', ',;q=9'.repeat(500)]) },
        })
      }
    },
  },
  {
    name: 'pages and probes, in every form',
    routes: [
      'GET /',
      'GET /docs',
      'GET /openapi.yaml',
      'GET /livez',
      'GET /readyz',
      'GET /startupz',
      'GET /monitoring',
    ],
    async play(hand) {
      for (const path of ['/', '/docs', '/openapi.yaml', '/livez', '/readyz', '/startupz', '/monitoring']) {
        await hand.send('GET', `${path}?${hand.pick(['a=%ff', '__proto__[x]=1', 'a='.repeat(3000), '%00'])}`, {
          headers: { range: 'bytes=0-1', 'accept-encoding': 'gzip;q=0', 'if-none-match': '*' },
        })
      }
    },
  },
  { name: 'whatever openapi.yaml lets a client send, and nearly that', routes: 'any', play: fuzz },
  {
    name: 'connections of the database ended at random moments',
    routes: ['POST /ask', 'POST /search', 'PUT /documents'],
    play: endConnections,
  },
  ingestAttack,
]

async function fuzz(hand: Hand): Promise<void> {
  const { ids } = hand.surroundings
  for (const request of fc.sample(fuzzRequests(ids), { seed: hand.nat(2 ** 31), numRuns: 6 })) {
    if (touchesOthers(request)) continue
    const { method, path, headers, body } = request
    await hand.send(method, path, {
      headers,
      key: null,
      ...(body !== undefined && { body: Buffer.from(body, 'latin1') }),
    })
  }
}

/** The honest client's documents and cached answers are to stay, or what is compared would be two things. */
function touchesOthers({ method, path, body = '' }: FuzzRequest): boolean {
  if (method === 'PUT') return !body.includes('"collection":') || body.includes('"collection":"default"')
  return method === 'DELETE' && path.startsWith('/cache')
}

const endings = 30
const longestBetweenMs = 200

/**
 * Mostly those that write, in the middle of a statement or of a transaction; now and then any. A question that loses its
 * connection is asked again once: it must not lose both while one client ends them faster than a question takes.
 */
async function endConnections(hand: Hand): Promise<void> {
  const sql = postgres(hand.surroundings.databaseUrl, {
    max: 1,
    onnotice: () => undefined,
    connection: { application_name: 'hostile' },
  })
  let isOver = false
  const asking = [0, 1, 2].map(async lane => {
    while (!isOver && !hand.signal.aborted) await work(hand, lane)
  })
  try {
    for (let nth = 0; nth < endings && !hand.signal.aborted; nth++) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'askwell%'
          and ((state <> 'idle' and query !~* '^\\s*(select|with)') or random() < 0.05) limit 5`
      await sleep(longestBetweenMs * hand.random())
    }
  } finally {
    isOver = true
    await Promise.all(asking)
    await sql.end({ timeout: 1 })
  }
}

/** Statements of every kind: reads, a transaction that copies rows, a write of nothing. */
async function work(hand: Hand, lane: number): Promise<void> {
  const documents = Array.from({ length: 100 }, (_, nth) => ({
    source: `room ${nth}`,
    text: `The warden keeps the list of room ${nth}, and of guest ${hand.nat(1e6)}.`,
  }))
  if (lane < 2)
    return void (await hand.send('PUT', '/documents', { body: { collection: hostileCollection, documents } }))
  await hand.send('POST', hand.pick(['/ask', '/search']), {
    body: {
      question: `Who keeps the list of room ${hand.nat(1e6)}?`,
      collection: hand.pick(['default', hostileCollection]),
    },
  })
}
