import { hash } from 'node:crypto'
import type { AddressInfo, Socket } from 'node:net'
import tap from 'tap'
import { AskError } from '../../../../src/errors.ts'
import { edgeApp } from '../../../support/edge.ts'

const silentMs = 90_000
const secret = 'askwell_admin_of_many_random_letters'
const key = {
  name: 'admin',
  sha256: hash('sha256', secret, 'hex'),
  scopes: ['admin'] as const,
  collections: undefined,
  rateLimit: undefined,
  tenant: undefined,
  priority: undefined,
}
const unused = async () => {
  throw new Error('this test was not to come so far')
}

tap.test(
  'an upload may be worked at for longer than a connection may be silent; its reply must be read as soon as any',
  async t => {
    for (const ending of ['a reply', 'a fault'] as const) {
      const { status, whileAtWork, set } = await upload(ending)
      t.equal(status, ending === 'a reply' ? 200 : 422, ending)
      t.equal(whileAtWork, 0, 'nothing cuts it off while it is worked at')
      t.same(set.slice(0, 2), [0, silentMs], 'who does not read the reply is cut off as before')
    }
  },
)

/** What the server's end of the connection allows of silence, in ms; 0: without end. `set`: each change of it, in order. */
async function upload(ending: 'a reply' | 'a fault') {
  let socket: Socket | undefined
  let whileAtWork: number | undefined
  const set: number[] = []
  const put = async () => {
    whileAtWork = socket?.timeout
    if (ending === 'a fault') throw new AskError('document_refused', { detail: 'document "a" has no text' })
    return []
  }
  const app = await edgeApp({
    receiving: { headersMs: 60_000, wholeMs: 60_000, keepAliveMs: 1000, idleMs: silentMs, maxConnections: 10 },
    keys: [key],
    documents: {
      documents: { enter: () => ({ leave() {} }), put, get: unused, remove: unused, collections: unused },
      maxBytes: 10_000,
    },
  })
  app.server.on('connection', connected => (socket = noting(connected, set)))
  await app.listen({ port: 0 })
  const reply = await fetch(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/documents`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ documents: [{ source: 'a', text: 'b' }] }),
  })
  await reply.text()
  await app.close()
  return { status: reply.status, whileAtWork, set }
}

function noting(socket: Socket, set: number[]): Socket {
  const inner = socket.setTimeout.bind(socket)
  socket.setTimeout = (ms, listener) => {
    set.push(ms)
    return inner(ms, listener)
  }
  return socket
}
