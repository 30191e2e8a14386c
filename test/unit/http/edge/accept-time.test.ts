import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import type { Run } from '../../../../src/ask/terms/run.ts'
import { readConfig } from '../../../../src/config/config.ts'
import { AskError } from '../../../../src/errors.ts'
import { atLeast } from '../../../support/at-least.ts'
import { behindGate, edgeApp } from '../../../support/edge.ts'

const { timeoutMs } = readConfig({}).ask

interface Asked {
  /** From when its time counts. */
  readonly from: number
  readonly acceptedAt: number
  readonly headAt: number
}

/** Asks on a connection that was silent before each question for so long, or longer on a busy machine. */
async function askAfter(t: Test, ...silences: readonly number[]): Promise<Asked[]> {
  const asked: Asked[] = []
  let [acceptedAt, headAt] = [0, 0]
  // oxlint-disable-next-line require-yield -- it gives nothing: what is asked is when it is called
  async function* ask(_: unknown, { deadline }: Run) {
    asked.push({ from: deadline - timeoutMs, acceptedAt, headAt })
    throw new AskError('model_failed')
  }
  const { server, port } = await behindGate(t, await edgeApp({ cachedAsk: { ask } }))
  server.prependListener('connection', () => (acceptedAt = performance.now()))
  server.prependListener('request', () => (headAt = performance.now()))
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const body = JSON.stringify({ question: 'x' })
  for (const silence of silences) {
    await atLeast(silence)
    socket.write(
      `POST /ask HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    await once(socket, 'data')
  }
  return asked
}

/** The nearer of the two, which are far from each other. */
function countedFrom({ from, acceptedAt, headAt }: Asked): 'accept' | 'head' {
  return Math.abs(from - acceptedAt) < Math.abs(from - headAt) ? 'accept' : 'head'
}

t.test("a connection's first question: its time counts from the accept", async t => {
  // A head that comes late, as on a busy machine, is taken for one of a connection that was opened ahead.
  let asked: Asked | undefined
  do [asked] = await askAfter(t, 50)
  while (asked!.headAt - asked!.acceptedAt > 150)
  t.equal(countedFrom(asked!), 'accept')
})

t.test('its next question: from its own head; nobody waits between two', async t => {
  const [, second] = await askAfter(t, 0, 300)
  t.equal(countedFrom(second!), 'head')
})

t.test('a connection that was opened ahead: from the head', async t => {
  const [first] = await askAfter(t, 600)
  t.equal(countedFrom(first!), 'head')
})
