import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openLine, type Line } from '../../../../src/adapters/postgres/line.ts'

/** A line to a listener of the test's own, and what the driver would hear of it. */
async function lineOf(t: Test) {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const heard: string[] = []
  const { promise: isLost, resolve: lose } = Promise.withResolvers<Line>()
  const line = openLine(async () => connect(port, '127.0.0.1'), lose)
  line
    .on('error', (error: Error & { code?: string }) => heard.push(`error ${error.code}`))
    .on('close', () => heard.push('close'))
  const [peer] = (await once(listener, 'connection')) as [Socket]
  t.teardown(() => (line.destroy(), peer.destroy(), listener.close()))
  return { line, peer, heard, isLost }
}

t.test(
  'lost: told as an error; what is written then is swallowed and told again; closed only when the driver is at its end',
  async t => {
    const { line, peer, heard, isLost } = await lineOf(t)
    peer.destroy()
    await isLost
    t.equal(line.readyState, 'closed')
    t.same(heard, ['error CONNECTION_CLOSED'])
    t.equal(line.write(Buffer.from('more')), true)
    await turn()
    t.same(heard, ['error CONNECTION_CLOSED', 'error CONNECTION_CLOSED'])
    line.finish()
    line.finish()
    t.same(heard.slice(2), ['close'], 'once')
    line.write(Buffer.from('more'))
    await turn()
    t.equal(heard.length, 3, 'then it is silent')
  },
)

t.test('ended by the driver: closed at once when the other side hangs up', async t => {
  const { line, peer, heard } = await lineOf(t)
  peer.resume()
  line.end(Buffer.from('X'))
  await once(line, 'close')
  t.equal(heard.at(-1), 'close')
})

t.test('what is written before it is open arrives in its order', async t => {
  const { line, peer } = await lineOf(t)
  for (const part of ['a', 'b', 'c']) line.write(Buffer.from(part))
  let text = ''
  peer.setEncoding('utf8').on('data', (part: string) => (text += part))
  while (text !== 'abc') await once(peer, 'data')
  t.equal(text, 'abc')
})

t.test('it knows whether an answer is awaited, also when the last word comes in pieces', async t => {
  const { line, peer } = await lineOf(t)
  line.write(Buffer.from('Q'))
  t.equal(line.traffic.isAwaited, true)
  for (const piece of [
    [0x43, 0, 0],
    [0, 5, 0, 0x5a, 0],
    [0, 0, 5, 0x49],
  ]) {
    t.equal(line.traffic.isAwaited, true)
    peer.write(Buffer.from(piece))
    await once(line, 'data')
  }
  t.equal(line.traffic.isAwaited, false)
})

t.test('a listener that throws ends the line and nothing else', async t => {
  const { line, peer, isLost, heard } = await lineOf(t)
  line.on('data', () => {
    throw Object.assign(new Error('not Postgres'), { code: 'STRANGE' })
  })
  peer.write('HTTP/1.1 400')
  await isLost
  t.same(heard, ['error STRANGE'])
})

t.test('it could not be opened', async t => {
  const { promise: isLost, resolve: lose } = Promise.withResolvers<Line>()
  const line = openLine(async () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })), lose)
  const [error] = await once(line, 'error').catch((error: unknown) => [error])
  t.match(error, { code: 'ECONNREFUSED' })
  await isLost
})
