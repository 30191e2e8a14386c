import fc from 'fast-check'
import { Agent, request, type IncomingMessage } from 'node:http'
import tap from 'tap'
import { adminKey, databaseSettings } from '../support/app.ts'
import { contractFaults } from '../support/contract.ts'
import { loadHandbook } from '../support/corpus.ts'
import { fuzzRequests, type FuzzRequest } from '../support/fuzz-requests.ts'
import { clientOf, startService } from '../support/service.ts'

/**
 * Requests made from openapi.yaml at a service in a process of its own: whatever comes, the reply is one that
 * openapi.yaml allows, no fault of ours, and the process lives. `FUZZ_RUNS=100000` asks more, `FUZZ_SEED=n` the same.
 */

const runs = Number(process.env['FUZZ_RUNS'] ?? 3000)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
/** Asked side by side. */
const lanes = 4

tap.setTimeout(Math.max(1_800_000, runs * 300))

tap.test(`${runs} requests made from openapi.yaml, seed ${seed}`, async t => {
  const service = startService(t, { ...(await databaseSettings(t, 'embedded')), REQUEST_TIMEOUT_MS: '10000' })
  const url = await service.ready()
  await loadHandbook(clientOf(url))
  const ids = await someDocuments(url)
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const statuses = new Map<string, number>()

  const holds = async (asked: FuzzRequest) => {
    const got = await send(url, agent, asked)
    const kind = `${asked.method} ${got.status}`
    statuses.set(kind, (statuses.get(kind) ?? 0) + 1)
    const faults = contractFaults({ method: asked.method, path: asked.path, ...got })
    if (got.status >= 500 && got.status !== 503 && got.status !== 504)
      faults.push(`status ${got.status}: ${got.body.slice(0, 300)}`)
    if (faults.length > 0) throw new Error(faults.join('; '))
  }
  // Each lane for itself, so that what fails in one is found small in it.
  const checks = Array.from({ length: lanes }, (_, lane) =>
    fc.check(fc.asyncProperty(fuzzRequests(ids), holds), { numRuns: Math.ceil(runs / lanes), seed: seed + lane }),
  )
  for (const details of await Promise.all(checks)) {
    t.notOk(details.failed, details.failed ? reportOf(details) : `${details.numRuns} replies as documented`)
  }
  t.equal((await clientOf(url).send('GET', '/livez')).status, 200, 'it lives')
  t.equal(service.stderr, '')
  t.same(
    service.log.filter(({ level }) => level === 'fatal' || level === 60),
    [],
  )
  for (const line of service.log.filter(({ code }) => code === 'internal').slice(0, 3)) t.comment(JSON.stringify(line))
  t.comment(
    [...statuses]
      .sort()
      .map(([kind, count]) => `${kind}: ${count}`)
      .join(', '),
  )
})

function reportOf(details: fc.RunDetails<[FuzzRequest]>): string {
  return `${String((details.errorInstance as Error | null)?.message)}\n${String(fc.defaultReportMessage(details))}`
}

async function someDocuments(url: string): Promise<string[]> {
  const documents = ['a', 'b', 'c'].map(source => ({
    source,
    text: `# Note ${source}\n\nThe warden keeps the list of free rooms.`,
  }))
  const { json } = await clientOf(url).send(
    'PUT',
    '/documents',
    { collection: 'fuzz', documents },
    { authorization: `Bearer ${adminKey}` },
  )
  return (json.documents as { id: string }[]).map(({ id }) => id)
}

interface Got {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Rejects when there is no whole reply. A kept connection that was closed at that moment is no reply of ours to judge: asked again. */
async function send(url: string, agent: Agent, asked: FuzzRequest): Promise<Got> {
  const { hostname, port } = new URL(url)
  const body = asked.body === undefined ? undefined : Buffer.from(asked.body, 'latin1')
  const headers = { ...asked.headers, ...(body && { 'content-length': String(body.length) }) }
  return await new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, agent, method: asked.method, path: asked.path, headers }, reply => {
      const pieces: Buffer[] = []
      reply.on('data', (piece: Buffer) => pieces.push(piece)).once('error', reject)
      reply.once('end', () =>
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(pieces).toString() }),
      )
    })
    outgoing.once('error', (error: NodeJS.ErrnoException) => {
      if (outgoing.reusedSocket && error.code === 'ECONNRESET') send(url, agent, asked).then(resolve, reject)
      else reject(error)
    })
    outgoing.end(body)
  })
}
