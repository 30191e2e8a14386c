import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { startDriver } from '../../../../src/adapters/postgres/driver.ts'
import { readDatabaseUrl } from '../../../../src/config/database-url.ts'

/** A server that lies in the login: it must not get a query, and must not keep the process busy. */

function message(type: string, content: string | Buffer): Buffer {
  const head = Buffer.from(`${type}\0\0\0\0`)
  head.writeUInt32BE(Buffer.byteLength(content) + 4, 1)
  return Buffer.concat([head, Buffer.from(content as string)])
}

const authentication = (kind: number, rest = '') => message('R', `\0\0\0${String.fromCharCode(kind)}${rest}`)
const letIn = authentication(0)
const scram = authentication(10, 'SCRAM-SHA-256\0\0')
const ready = message('Z', 'I')

/** The server's first SCRAM message, to the client's. */
function scramFirst(client: Buffer, iterations: string, added = 'server'): Buffer {
  const nonce = /r=([^,]+)/.exec(client.toString('latin1'))?.[1] ?? ''
  return authentication(11, `r=${nonce}${added},s=c2FsdA==,i=${iterations}`)
}

const noProtocol = /does not speak the protocol/
const cases: readonly {
  readonly name: string
  readonly query?: string
  /** The server's reply to each message of the client. */
  readonly replies: readonly ((client: Buffer) => Buffer)[]
  readonly error: RegExp
}[] = [
  {
    name: 'no login at all, though the password is required',
    query: 'require_auth=scram-sha-256',
    replies: [() => Buffer.concat([ready, ready])],
    error: noProtocol,
  },
  {
    name: 'no login at all, though channel binding is required',
    query: 'channel_binding=require',
    replies: [() => Buffer.concat([ready, ready])],
    error: noProtocol,
  },
  {
    name: 'lets us in together with an offer that we refuse',
    query: 'channel_binding=require',
    replies: [() => Buffer.concat([scram, letIn, ready, ready])],
    error: /cannot bind the login/,
  },
  {
    name: 'two logins at once',
    replies: [() => Buffer.concat([scram, scram])],
    error: /second login/,
  },
  {
    name: 'a signature of zeros',
    replies: [
      () => scram,
      client => scramFirst(client, '4096'),
      () => Buffer.concat([authentication(12, `v=${Buffer.alloc(32).toString('base64')}`), letIn, ready, ready]),
    ],
    error: /did not prove/,
  },
  ...['2147483647', '4294967296', '1000001'].map(count => ({
    name: `${count} iterations`,
    replies: [() => scram, (client: Buffer) => scramFirst(client, count)],
    error: /asks for \d+ SCRAM iterations/,
  })),
  ...['0', '-1', '1e3', '4096.5', '0x10', ''].map(count => ({
    name: `iterations: "${count}"`,
    replies: [() => scram, (client: Buffer) => scramFirst(client, count)],
    error: noProtocol,
  })),
  {
    name: 'a nonce to which the server adds nothing',
    replies: [() => scram, client => scramFirst(client, '4096', '')],
    error: noProtocol,
  },
  {
    name: 'work for the same proof over and over',
    replies: [() => scram, client => Buffer.concat(Array<Buffer>(50).fill(scramFirst(client, '4096')))],
    error: noProtocol,
  },
  { name: 'a message that is cut short', replies: [() => message('R', '\0')], error: noProtocol },
  { name: 'a length of 0', replies: [() => Buffer.from('R\0\0\0\0\0\0\0\0')], error: noProtocol },
  { name: 'a length of gigabytes', replies: [() => Buffer.from('HTTP/1.1 400 Bad Request')], error: noProtocol },
]

for (const { name, query = '', replies, error } of cases)
  t.test(name, async t => {
    const heard: Buffer[] = []
    const server = createServer(socket => {
      let at = 0
      socket
        .on('error', () => {})
        .on('data', data => {
          heard.push(data)
          const reply = replies[at++]?.(data)
          if (reply) socket.write(reply)
        })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const address = readDatabaseUrl(`postgres://askwell:secret@127.0.0.1:${port}/askwell?sslmode=disable&${query}`)!
    const driver = startDriver(
      address,
      async () => address.servers[0] ?? null,
      { name: 'test', statementTimeoutMs: 0 },
      () => {},
    )
    // With the code of a lost connection or as `database_unavailable`: a 503, tried again.
    const failure: unknown = await driver.sql`select 'a question'`.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    const { detail, message: text, code } = failure as Error & { detail?: string; code?: string }
    t.match(detail ?? text, error)
    t.match(code, /^(ECONNRESET|database_unavailable)$/)
    driver.destroy()
    await new Promise(resolve => server.close(resolve))
    t.notMatch(Buffer.concat(heard).toString('latin1'), /select/, 'no SQL was sent')
  })
