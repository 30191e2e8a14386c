import { hash } from 'node:crypto'
import type { Socket } from 'node:net'
import tap, { type Test } from 'tap'
import { AskError } from '../../../../src/errors.ts'
import { behindGate, edgeApp } from '../../../support/edge.ts'

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
  budget: undefined,
}
const unused = async () => {
  throw new Error('this test was not to come so far')
}

tap.test(
  'an upload may be worked at for longer than a connection may be silent; its reply must be read as soon as any',
  async t => {
    for (const ending of ['a reply', 'a fault'] as const) {
      const { status, whileAtWork, set } = await upload(t, ending)
      t.equal(status, ending === 'a reply' ? 200 : 422, ending)
      t.equal(whileAtWork, 0, 'nothing cuts it off while it is worked at')
      t.same(set.slice(0, 2), [0, silentMs], 'who does not read the reply is cut off as before')
    }
  },
)

/** What the server's end of the connection allows of silence, in ms; 0: without end. `set`: each change of it, in order. */
async function upload(t: Test, ending: 'a reply' | 'a fault') {
  let socket: Socket | undefined
  let whileAtWork: number | undefined
  const set: number[] = []
  const put = async () => {
    whileAtWork = socket?.timeout
    if (ending === 'a fault') throw new AskError('document_refused', { detail: 'document "a" has no text' })
    return []
  }
  const documents = { enter: () => ({ leave() {} }), put, get: unused, remove: unused, collections: unused }
  const gate = await behindGate(t, await edgeApp({ documents }, { keys: [key] }), { idleMs: silentMs })
  gate.server.on('connection', connected => (socket = noting(connected, set)))
  const reply = await fetch(`${gate.url}/documents`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
    body: JSON.stringify({ documents: [{ source: 'a', text: 'b' }] }),
  })
  await reply.text()
  await gate.close()
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
