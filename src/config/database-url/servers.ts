import { isIP } from 'node:net'
import type { Given } from './parameters.ts'
import { UrlFault, type ServerAddress } from './terms.ts'

const defaultPort = 5432

/** As in libpq, `host` and `port` among the parameters replace those of the URL's authority. */
export function serversOf(authority: string, given: Given): ServerAddress[] {
  const addresses = given.get('hostaddr')?.split(',')
  const named = given.get('host')
  const list = named ?? (authority || (addresses?.join(',') ?? ''))
  const portList = given.get('port')?.split(',')
  if (list === '' && portList === undefined) return []
  const hosts = named === undefined && authority ? list.split(',').map(hostOf) : list.split(',').map(bareHost)
  if (addresses && addresses.length !== hosts.length)
    throw new UrlFault('has another number of addresses in hostaddr than of hosts')
  if (addresses?.some(address => address !== '' && isIP(address) === 0))
    throw new UrlFault('has a hostaddr that is not an IP address; write a name as the host')
  const ports = portsOf(
    hosts.map(({ port }) => port),
    portList,
  )
  return hosts.map(({ host }, at) => ({
    host,
    ...(addresses?.[at] && { address: addresses[at] }),
    port: ports[at] as number,
    path: pathOf(host, ports[at] as number),
  }))
}

/** A socket's directory; an `@` begins the name of an abstract socket, which Node writes with a zero. */
function pathOf(host: string, port: number): string | null {
  if (host.startsWith('/')) return `${host}/.s.PGSQL.${port}`
  return host.startsWith('@') ? `\0${host.slice(1)}/.s.PGSQL.${port}` : null
}

interface Host {
  readonly host: string
  readonly port: number | undefined
}

/** The parameter `host` has no brackets and no port. */
function bareHost(text: string): Host {
  return { host: text === '' ? 'localhost' : text, port: undefined }
}

function hostOf(text: string): Host {
  const found = /^(?:\[(?<six>[\da-f:.]+(?:%[\w.%-]+)?)\]|(?<name>[^:[\]]*))(?::(?<port>[^:]*))?$/i.exec(text)?.groups
  if (found === undefined)
    throw new UrlFault(
      /^[\da-f:]+$/i.test(text)
        ? 'has an IPv6 address without brackets; write [::1]'
        : 'has a host that is not valid; if it is a part of the password, escape the special characters there (%3A for :, %40 for @)',
    )
  const { six, name = '', port } = found
  if (port !== undefined && port !== '' && !isPort(port))
    throw new UrlFault(
      'has a port that is not a number from 1 to 65535; if it is a part of the password, escape the special characters there: / is %2F, ? is %3F, # is %23',
    )
  return { host: decodedHost(six ?? name) || 'localhost', port: port ? Number(port) : undefined }
}

function decodedHost(text: string): string {
  if (text.includes('%00')) throw new UrlFault('has a zero byte (%00) in the host; remove it')
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UrlFault('has a % in the host that escapes nothing; write %25 for a percent sign')
  }
}

const isPort = (text: string) => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

/** A port per host, or one for all: after the last host, or as `port`. */
function portsOf(own: readonly (number | undefined)[], named: readonly string[] | undefined): number[] {
  if (named) {
    if (named.length !== 1 && named.length !== own.length)
      throw new UrlFault('has another number of ports than of hosts; give each host a port, or one for all')
    return own.map((_, at) => {
      const text = named[at] ?? (named[0] as string)
      if (text !== '' && !isPort(text)) throw new UrlFault('has a port that is not a number from 1 to 65535')
      return text === '' ? defaultPort : Number(text)
    })
  }
  const last = own.at(-1)
  if (own.slice(0, -1).every(port => port === undefined)) return own.map(() => last ?? defaultPort)
  if (own.every(port => port !== undefined)) return [...own]
  throw new UrlFault('has a port for some of its hosts only; give each host a port, or only the last one for all')
}
