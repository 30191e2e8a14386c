import type { FastifyRequest } from 'fastify'
import { BlockList, isIP } from 'node:net'
import type { ProxyTrust } from '../../config/kinds.ts'
import { isLoopback } from '../../config/loopback.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The address of the client, not of a trusted proxy. */
    addressOf(request: FastifyRequest): string
  }
}

/** Whether `address` belongs to one of our proxies. `hop` counts from 0, the other end of the connection. */
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
 * Returns the client's address: the nearest one that is not one of our proxies. Each proxy appends the address it
 * received the request from to `X-Forwarded-For`; anyone may have written the part before that. If an entry is not an
 * address, the entry after it is the client.
 */
export function clientAddress(isProxy: IsProxy): (request: FastifyRequest) => string {
  return ({ raw, headers }) => {
    let nearest = raw.socket.remoteAddress ?? ''
    const forwarded = headers['x-forwarded-for']
    if (typeof forwarded !== 'string' || !isProxy(nearest, 0)) return nearest
    const entries = forwarded.split(',')
    for (let hop = 0; entries.length > 0 && isProxy(nearest, hop); hop++) {
      const next = addressIn(entries.pop() as string)
      if (next === undefined) break
      nearest = next
    }
    return nearest
  }
}

/**
 * Parses `203.0.113.2` or `2001:db8::1`, or one with a port, as some gateways send it: `203.0.113.2:40000`,
 * `[2001:db8::1]:443`.
 */
function addressIn(text: string): string | undefined {
  const [, bracketed, plain = ''] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(text.trim()) ?? [
    undefined,
    undefined,
    text.trim(),
  ]
  // A zone (`fe80::1%eth0`) has a meaning only on the machine that wrote it.
  const address = (bracketed ?? plain).replace(/%.*$/s, '').toLowerCase()
  return isIP(address) === 0 ? undefined : address
}

/** Headers that proxies add. */
const proxyHeaders = ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/** True if the request came from this machine, and not through a proxy on it. */
export function isFromHere({ raw, headers }: FastifyRequest): boolean {
  return isLoopback(raw.socket.remoteAddress ?? '') && proxyHeaders.every(name => headers[name] === undefined)
}
