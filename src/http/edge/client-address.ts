import type { FastifyRequest } from 'fastify'
import { BlockList, isIP } from 'node:net'
import type { ProxyTrust } from '../../config/kinds.ts'
import { isLoopback } from '../../config/loopback.ts'

/** Is this address, which is so many hops away from us (0: the other end of the connection), one of a proxy of ours? */
export type IsProxy = (address: string, hop: number) => boolean

export function proxiesOf(trust: ProxyTrust | null): IsProxy {
  if (trust === null) return () => false
  if ('hops' in trust) return (_, hop) => hop < trust.hops
  const networks = new BlockList()
  for (const { address, prefix } of trust.networks) networks.addSubnet(address, prefix, familyOf(address))
  return address => isIP(address) !== 0 && networks.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

/**
 * The address of the client: the nearest that is none of our proxies'. Each proxy adds the address that it was asked
 * from at the end of `X-Forwarded-For`; what stands before that anybody may have written. Where something else than an
 * address stands, the one behind it is the client.
 */
export function clientAddress(isProxy: IsProxy): (request: FastifyRequest) => string {
  return ({ raw, headers }) => {
    let nearest = raw.socket.remoteAddress ?? ''
    const forwarded = headers['x-forwarded-for']
    if (typeof forwarded !== 'string' || !isProxy(nearest, 0)) return nearest
    const given = forwarded.split(',')
    for (let hop = 0; given.length > 0 && isProxy(nearest, hop); hop++) {
      const next = addressIn(given.pop() as string)
      if (next === undefined) break
      nearest = next
    }
    return nearest
  }
}

/** `203.0.113.2`, `2001:db8::1`, and as some gateways send them with a port: `203.0.113.2:40000`, `[2001:db8::1]:443`. */
function addressIn(text: string): string | undefined {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text.trim()) ?? [
    undefined,
    undefined,
    text.trim(),
  ]
  // A zone (`fe80::1%eth0`) is a name of the machine that wrote it.
  const address = (bracketed ?? plain).replace(/%.*$/s, '').toLowerCase()
  return isIP(address) === 0 ? undefined : address
}

/** What a proxy adds. */
const marks = ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/** Sent by this machine and by no proxy on it. */
export function isFromHere({ raw, headers }: FastifyRequest): boolean {
  return isLoopback(raw.socket.remoteAddress ?? '') && marks.every(name => headers[name] === undefined)
}
