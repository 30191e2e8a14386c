import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { guestKey, hostileAddress, type Attack, type Hand, type SendOptions } from '../terms.ts'
import { headOf } from './questions.ts'

/** Below the routes: connections, headers, addresses and keys. */

/** Without a key: a request with one is counted for the key, whatever its address. */
const asForwarded = (forged: string): SendOptions => ({ key: null, headers: { 'x-forwarded-for': forged } })

const forgeries: readonly ((hand: Hand) => string)[] = [
  hand => `10.${hand.nat(256)}.${hand.nat(256)}.${hand.nat(256)}`,
  hand => `2001:db8:${hand.nat(65_536).toString(16)}::1`,
  hand => `client-${hand.nat(1e9)}`,
  hand => 'x'.repeat(4000 + hand.nat(1000)),
  () => '127.0.0.1',
  () => '203.0.113.2:40000',
  () => '[2001:db8::1]:443',
  () => ',,, ,',
  () => '\u00ff\u00fe',
]

export const wireAttacks: readonly Attack[] = [
  {
    name: 'forged addresses of clients',
    routes: ['GET /', 'POST /ask'],
    async play(hand) {
      let own = 0
      for (let nth = 0; nth < 15; nth++)
        if ((await hand.send('GET', '/', asForwarded(hand.pick(forgeries)(hand)))).left === 99) own++
      // A window may begin anew in their midst, once.
      if (own > 2) hand.found('a forged address has a limit of its own')
      await hand.send('POST', '/ask', { ...asForwarded(hand.pick(forgeries)(hand)), body: { question: 'dormitory' } })
    },
  },
  {
    name: "another client's limit used up in its name",
    routes: ['GET /'],
    weight: 0.2,
    async play(hand) {
      // For longer than a window: with what the honest client sends meanwhile it is more than one has.
      for (let nth = 0; nth < 100; nth++) await hand.send('GET', '/', asForwarded('key:web'))
    },
  },
  {
    name: 'two Host headers, and other heads that two readers read in two ways',
    routes: ['GET /', 'POST /ask'],
    async play(hand) {
      const host = new URL(hand.surroundings.url).host
      const ask = `POST /ask HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\nauthorization: Bearer ${guestKey}\r\ncontent-type: application/json\r\n`
      const two = await hand.raw(
        'GET /',
        `GET / HTTP/1.1\r\nhost: ${host}\r\nhost: evil.example\r\nconnection: close\r\n\r\n`,
      )
      if (two.status === 200) hand.found('a request with two Host headers was answered')
      await hand.raw(
        'POST /ask',
        hand.pick([
          `${ask}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n`,
          `${ask}content-length: 5\r\ncontent-length: 6\r\n\r\n12345`,
          `${ask}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
          `${ask}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
          `${ask}transfer-encoding: chunked\r\n\r\n1;${'a'.repeat(15_000)}\r\nx\r\n`,
          `${ask}x: ${'a'.repeat(20_000)}\r\n\r\n`,
          `${ask}${Array.from({ length: 900 }, (_, nth) => `x${nth}: 1\r\n`).join('')}\r\n`,
          '\x16\x03\x01\x02\x00\x01\x00',
          'GET / HTTP/9.9\r\n\r\n',
        ]),
      )
    },
  },
  {
    name: 'bodies that come a byte at a time',
    routes: ['POST /ask'],
    async play(hand) {
      const sockets = await Promise.all([1, 2, 3, 4].map(async () => await hand.connect('POST /ask')))
      for (const socket of sockets) socket.write(headOf(hand.surroundings.url, 2000))
      for (let at = 0; at < 20 && !hand.signal.aborted; at++) {
        for (const socket of sockets) if (socket.writable) socket.write('{')
        await sleep(200, undefined, { signal: hand.signal }).catch(() => undefined)
      }
      for (const socket of sockets) socket.destroy()
    },
  },
  {
    name: 'hundreds of connections that say nothing',
    routes: ['GET /livez'],
    async play(hand) {
      const sockets = await Promise.all(Array.from({ length: 3 }, async () => await hand.connect('GET /livez')))
      const more = Array.from({ length: 300 }, () => silent(hand))
      for (const socket of sockets) socket.write('GET /livez HT')
      await sleep(1500, undefined, { signal: hand.signal }).catch(() => undefined)
      for (const socket of [...sockets, ...more]) socket.destroy()
    },
  },
  {
    name: 'compressed bodies that unfold, and types of every kind',
    routes: ['POST /ask', 'PUT /documents'],
    async play(hand) {
      const body = gzipSync(Buffer.alloc(4_000_000, 32))
      await hand.send('POST', '/ask', {
        body,
        headers: { 'content-encoding': hand.pick(['gzip', 'br', 'gzip, gzip']) },
      })
      await hand.send('PUT', '/documents', { body, headers: { 'content-encoding': 'gzip' } })
      await hand.send('POST', '/ask', {
        body: '{"question":"dormitory"}',
        headers: {
          'content-type': hand.pick([
            'text/plain',
            'multipart/form-data; boundary=x',
            `application/json; ${'a=b; '.repeat(2000)}`,
            ';;;',
          ]),
        },
      })
    },
  },
  {
    name: 'wrong keys, one after the other',
    routes: ['POST /ask', 'POST /search', 'PUT /documents', 'GET /cache'],
    async play(hand) {
      for (let nth = 0; nth < 6; nth++) {
        const [method, path] = hand.pick([
          ['POST', '/ask'],
          ['POST', '/search'],
          ['PUT', '/documents'],
          ['GET', '/cache'],
        ] as const)
        const key = hand.pick([`askwell_${hand.nat(1e9)}`, 'x'.repeat(8000), guestKey, '', 'a b'])
        const heard = await hand.send(method, path, {
          key,
          ...(method !== 'GET' && { body: { question: 'x', documents: [] } }),
        })
        if (heard.status === 200 && !(key === guestKey && method === 'POST'))
          hand.found(`${method} ${path} was answered with a wrong key`)
      }
    },
  },
]

/** Not a request: it counts against no limit of requests. */
function silent({ surroundings }: Hand): Socket {
  const { hostname, port } = new URL(surroundings.url)
  return connect({ host: hostname, port: Number(port), localAddress: hostileAddress }).on('error', () => undefined)
}
