import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t from 'tap'
import { adminKey, databaseSettings, skipReason, eitherWorld } from '../support/app.ts'
import { clientOf, startService } from '../support/service.ts'

const descriptors = 160

/** Connections that nobody says anything on. */
async function crowd(address: string, count: number): Promise<Socket[]> {
  const { hostname, port } = new URL(address)
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(Number(port), hostname).on('error', () => {})
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      return socket
    }),
  )
}

for (const world of eitherWorld) {
  t.test(
    `${world}: more idle connections than the process may have files open: it lives, and who is connected is answered`,
    { skip: skipReason(world) },
    async t => {
      const service = startService(
        t,
        { ...(await databaseSettings(t, world)), HEADERS_TIMEOUT_MS: '1000' },
        descriptors,
      )
      const address = await service.ready()
      const client = clientOf(address)
      const put = async (source: string) =>
        await client.send(
          'PUT',
          '/documents',
          { documents: [{ source, text: 'Breakfast is at eight.' }] },
          { authorization: `Bearer ${adminKey}` },
        )
      t.equal((await put('before')).status, 200, 'and there is a connection that is kept')
      const idle = await crowd(address, 2 * descriptors)
      t.teardown(() => idle.forEach(socket => socket.destroy()))
      // All that were taken are cut off for their silence, by a process that is late if it must; its samples are taken meanwhile.
      await Promise.all(idle.map(async socket => socket.destroyed || (socket.resume(), await once(socket, 'close'))))
      const { status } = await put('after')
      t.equal(status, 200)
      t.notOk(service.log.some(({ level }) => level === 'fatal'))
      t.ok(
        service.log.some(({ maxConnections }) => maxConnections === descriptors / 2),
        'it said how many it takes',
      )
    },
  )
}
