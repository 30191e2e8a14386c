import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Run } from '../../../src/ask/terms.ts'
import { AskError } from '../../../src/errors.ts'
import { edgeApp } from '../../support/edge.ts'

const timeoutMs = 30_000

/** Asks on a connection that was silent before each question for so long; what was gone of its time when it was begun, in ms. */
async function goneAfter(t: Test, ...silences: readonly number[]): Promise<number[]> {
  const gone: number[] = []
  // oxlint-disable-next-line require-yield -- it gives nothing: what is asked is when it is called
  async function* ask(_: unknown, { deadline }: Run) {
    gone.push(timeoutMs - (deadline - performance.now()))
    throw new AskError('model_failed')
  }
  const app = await edgeApp({ ask: { ask, recall: () => undefined, timeoutMs, metrics: { answered() {}, failed() {} } } })
  t.teardown(() => app.close())
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(port), '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  const body = JSON.stringify({ question: 'x' })
  for (const silence of silences) {
    await sleep(silence)
    socket.write(`POST /ask HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    await once(socket, 'data')
  }
  return gone
}

t.test("a connection's first question: its time counts from the accept", async t => {
  // Several: on a busy machine one may be taken for a connection that was opened ahead.
  const gone = []
  for (let i = 0; i < 5; i++) gone.push(...(await goneAfter(t, 50)))
  t.ok(gone.some(ms => ms > 45), gone.join())
})

t.test('its next question: from its own head; nobody waits between two', async t => {
  const [, gone] = await goneAfter(t, 0, 600)
  t.ok(gone! < 600)
})

t.test('a connection that was opened ahead: from the head', async t => {
  const [gone] = await goneAfter(t, 1200)
  t.ok(gone! < 1200)
})
