import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { clientAddress, isFromHere, proxiesOf } from '../../../../src/http/edge/client-address.ts'
import { proxyTrust } from '../../../../src/config/kinds.ts'
import { edgeApp } from '../../../support/edge.ts'

/** Who asks, behind none, one or several proxies; and what a client may write itself that changes nothing. */

const requestOf = (remoteAddress: string | undefined, headers: Record<string, string> = {}) =>
  ({ raw: { socket: { remoteAddress } }, headers }) as unknown as FastifyRequest

function addressOf(setting: string, remoteAddress: string | undefined, forwarded?: string): string {
  return clientAddress(proxiesOf(proxyTrust.read(setting)!))(
    requestOf(remoteAddress, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
  )
}

const proxy = '10.0.0.1'
const rows: readonly [setting: string, forwarded: string | undefined, address: string, why: string][] = [
  ['off', '203.0.113.9', proxy, 'nobody is believed'],
  ['on', undefined, proxy, 'the proxy itself asks'],
  ['on', '203.0.113.9', '203.0.113.9', 'one proxy'],
  ['on', '198.51.100.1, 203.0.113.9', '203.0.113.9', 'the leftmost is what the client wrote itself'],
  ['on', '127.0.0.1,203.0.113.9', '203.0.113.9', 'also when it claims to be this machine'],
  ['2', '198.51.100.1, 203.0.113.9, 10.0.0.2', '203.0.113.9', 'two proxies'],
  ['3', '203.0.113.9, 10.0.0.2', '203.0.113.9', 'more proxies than addresses: the last that there is'],
  ['10.0.0.0/8', '198.51.100.1, 203.0.113.9, 10.0.0.2, 10.9.9.9', '203.0.113.9', 'as many as are in the network'],
  ['10.0.0.0/8', '10.0.0.7, 10.0.0.2', '10.0.0.7', 'a client in the network'],
  ['192.0.2.0/24', '203.0.113.9', proxy, 'asked by none of our proxies'],
  ['uniquelocal', '203.0.113.9, fd00::5', '203.0.113.9', 'networks by name'],
  ['on', '203.0.113.2:40000', '203.0.113.2', 'with a port'],
  ['on', '[2001:db8::1]:443', '2001:db8::1', 'IPv6 with a port'],
  ['on', '[2001:DB8::1]', '2001:db8::1', 'in brackets'],
  ['on', '2001:db8::1', '2001:db8::1', 'plain'],
  ['on', 'fe80::1%eth0', 'fe80::1', 'with a zone'],
  ['2', '203.0.113.9, 10.0.0.2:8080', '203.0.113.9', 'the port of a proxy'],
  ['10.0.0.0/8', '203.0.113.9, 10.0.0.2:8080', '203.0.113.9', 'the port of a proxy in the network'],
  ...[
    'key:web',
    'unknown',
    '_hidden',
    '',
    ' ',
    '203.0.113',
    '203.0.113.9:',
    '203.0.113.9:123456',
    '[203.0.113.9',
    '1.2.3.4, x',
    'a'.repeat(15_000),
    '203.0.113.9 1.1.1.1',
    '::1]:80',
    '\u0000',
  ].map((text): [string, string, string, string] => [
    'on',
    text,
    proxy,
    `${JSON.stringify(text.slice(0, 30))} is no address: the proxy counts`,
  ]),
  ['2', 'nonsense, 10.0.0.2', '10.0.0.2', 'the nearest that is known'],
]

for (const [setting, forwarded, address, why] of rows) {
  t.test(`TRUST_PROXY=${setting}, ${JSON.stringify(forwarded)?.slice(0, 60)}: ${why}`, async t =>
    t.equal(addressOf(setting, proxy, forwarded), address),
  )
}

t.test(
  'proxies that reach us over IPv6 as IPv4 are those of the network; a connection that has ended is nobody',
  async t => {
    t.equal(addressOf('10.0.0.0/8', '::ffff:10.0.0.1', '203.0.113.9'), '203.0.113.9')
    t.equal(addressOf('10.0.0.0/8', undefined, '203.0.113.9'), '')
  },
)

t.test('from here: loopback, and no proxy between', async t => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
    t.ok(isFromHere(requestOf(address)), address)
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', undefined])
    t.notOk(isFromHere(requestOf(address)), String(address))
  for (const name of ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'via'])
    t.notOk(isFromHere(requestOf('127.0.0.1', { [name]: '' })), name)
})

t.test('limits behind a proxy: what a client invents is no other client, nor a key', async t => {
  const trustProxy = proxyTrust.read('on')!
  const app = await edgeApp({}, { trustProxy, rateLimit: { max: 2, keyMax: 0, seconds: 600 } })
  const left = async (forwarded: string) => {
    const { headers } = await app.inject({
      url: '/docs',
      remoteAddress: proxy,
      headers: { 'x-forwarded-for': forwarded },
    })
    return Number(/r=(\d+)/.exec(String(headers['ratelimit']))![1])
  }
  t.same(
    [await left('203.0.113.9'), await left('198.51.100.1, 203.0.113.9'), await left('::1, 203.0.113.9:1234')],
    [1, 0, 0],
    'one client, whatever it writes in front',
  )
  t.same(
    [await left('key:web'), await left('key:other'), await left('x'.repeat(500))],
    [1, 0, 0],
    'what is no address is the proxy',
  )
  t.same(
    [await left('2001:db8::1'), await left('[2001:db8::2]:9999'), await left('2001:db8:0:1::1')],
    [1, 0, 1],
    'an IPv6 client is its /64',
  )
})
