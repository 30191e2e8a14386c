import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import tap from 'tap'
import { forkProgram } from '../../../support/forked.ts'

const program = new URL('../../../support/listening-child.ts', import.meta.url)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => void server.close(resolve))
  return port
}

tap.test('of two services that start at the same instant, one gets the port', async t => {
  const children = [forkProgram<string>(t, program), forkProgram<string>(t, program)]
  for (let round = 0; round < 30; round++) {
    const port = await freePort()
    const outcomes = children.map(child => child.said())
    for (const child of children) child.send(port)
    t.same((await Promise.all(outcomes)).toSorted(), ['EADDRINUSE', 'ok'])
  }
})
