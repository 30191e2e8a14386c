import { isIP } from 'node:net'
import { readDatabaseUrl, sslModes, wantedServers } from './database-url.ts'

/** What a setting may be, and how its text is read. */

export interface Setting<T, Default extends string | undefined = string | undefined> {
  readonly name: string
  /** As one would write it; undefined: not set. */
  readonly default: Default
  readonly about: string
  /** What it may be, for the message when it is not. */
  readonly allowed: string
  /** Undefined: not allowed. */
  readonly read: (text: string) => T | undefined
  readonly isSecret?: boolean
  /** The name it had before: read when the new name is not set. */
  readonly formerName?: string
}

export function setting<T, Default extends string | undefined>(
  name: string,
  fallback: Default,
  about: string,
  kind: Kind<T>,
): Setting<T, Default> {
  return { name, default: fallback, about, ...kind }
}

/** A setting whose value is never shown. */
export function hidden<T, Default extends string | undefined>(each: Setting<T, Default>): Setting<T, Default> {
  return { ...each, isSecret: true }
}

/** A setting that had another name, which is still read and logged as deprecated. */
export function renamedFrom<T, Default extends string | undefined>(
  formerName: string,
  each: Setting<T, Default>,
): Setting<T, Default> {
  return { ...each, formerName }
}

interface Kind<T> {
  readonly allowed: string
  readonly read: (text: string) => T | undefined
}

export function integer(min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    read: text => (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined),
  }
}

export function fraction(): Kind<number> {
  const read = (text: string) => (/^\d*\.?\d+$/.test(text) && Number(text) <= 1 ? Number(text) : undefined)
  return { allowed: 'a number from 0 to 1', read }
}

export function oneOf<const Choice extends string>(...choices: Choice[]): Kind<Choice> {
  return { allowed: choices.join(' | '), read: text => choices.find(choice => choice === text) }
}

export function url(...protocols: string[]): Kind<string> {
  const allowed = `a URL that starts with ${protocols.map(protocol => `${protocol}://`).join(' or ')}`
  return {
    allowed,
    read: text => (URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)) ? text : undefined),
  }
}

/** Of an HTTP endpoint. A name or key before its host would be refused when it is called, and shown in the log. */
export const endpoint: Kind<string> = {
  allowed: 'a URL that starts with http:// or https://, without a name or key before the host',
  read: text =>
    url('http', 'https').read(text) !== undefined && new URL(text).username + new URL(text).password === ''
      ? text
      : undefined,
}

export const databaseUrl: Kind<string> = {
  allowed:
    'postgres://USER:PASSWORD@HOST:PORT/DATABASE, where several hosts with commas between have a port each or one for all, and what would end a part ' +
    `is escaped (%40 for @); sslmode is ${sslModes.join(', ')}; target_session_attrs is ${wantedServers.join(', ')}`,
  read: text => (readDatabaseUrl(text) === undefined ? undefined : text),
}

const redisLogin = String.raw`([^\s/?#]*@)?`
const redisHost = String.raw`(\[[\da-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?`
const redisHosts = `${redisHost}(,${redisHost})*`

/** As adapters/redis-url.ts reads it. */
const redisPattern = new RegExp(
  `^rediss?(://${redisLogin}${redisHost}(/\\d{0,5})?|\\+cluster://${redisLogin}${redisHosts}(/0?)?|` +
    `\\+sentinel://${redisLogin}${redisHosts}/[^\\s/?#]+(/\\d{0,5})?(\\?(&?sentinel_(username|password)=[^\\s&#]*)*)?)$`,
)

export const redisUrl: Kind<string> = {
  allowed:
    'redis://HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/MASTER or redis+cluster://HOST:PORT,HOST:PORT (rediss… for TLS)',
  read: text => (redisPattern.test(text) ? text : undefined),
}

/** No braces, which say in a Cluster where a key lies, and none of the signs that mean more in a pattern. */
export const redisPrefix: Kind<string> = {
  allowed: '1 to 64 letters, digits and the signs . _ : -, such as askwell-staging',
  read: text => (/^[\w.:-]{1,64}$/.test(text) ? text : undefined),
}

/** Whose X-Forwarded-For is believed: so many proxies', one behind the other, or those in these networks. */
export type ProxyTrust = { readonly hops: number } | { readonly networks: readonly Network[] }

export interface Network {
  readonly address: string
  /** Bits. */
  readonly prefix: number
}

const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Null: off. */
export const proxyTrust: Kind<ProxyTrust | null> = {
  allowed:
    'off, on (one proxy), the number of proxies one behind the other (1 to 16), or their networks with commas between, such as 10.0.0.0/8,2001:db8::/32 (loopback, linklocal and uniquelocal are known)',
  read: text => {
    if (text === 'off') return null
    if (text === 'on') return { hops: 1 }
    const hops = integer(1, 16).read(text)
    if (hops !== undefined) return { hops }
    const networks = text
      .split(',')
      .flatMap(each => named[each.trim()] ?? [each.trim()])
      .map(networkOf)
    return networks.every(network => network !== undefined) ? { networks } : undefined
  },
}

/** Of `/0` everybody would be a proxy of ours, and could name whatever client. */
function networkOf(text: string): Network | undefined {
  const [, address = '', bits] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  const prefix = Number(bits ?? most)
  return prefix >= 1 && prefix <= most ? { address, prefix } : undefined
}

/** `off`, `learn`, or the least similarity. */
export const similarity: Kind<'off' | 'learn' | number> = {
  allowed: 'off, learn, or a number from 0 to 1',
  read: text => (text === 'off' || text === 'learn' ? text : fraction().read(text)),
}

/** Of a model: money for a million tokens. */
export interface ModelPrices {
  readonly prompt: number
  readonly completion: number
}

export const modelPrices: Kind<ModelPrices> = {
  allowed: 'prompt=PRICE,completion=PRICE for a million tokens each, such as prompt=0.15,completion=0.60',
  read: text => {
    const [, prompt, completion] = /^prompt=(\d+(?:\.\d+)?), *completion=(\d+(?:\.\d+)?)$/.exec(text) ?? []
    return prompt === undefined || completion === undefined
      ? undefined
      : { prompt: Number(prompt), completion: Number(completion) }
  },
}

export const currency: Kind<string> = {
  allowed: 'a currency as three capital letters, such as EUR',
  read: text => (/^[A-Z]{3}$/.test(text) ? text : undefined),
}

export const words: Kind<string> = { allowed: 'some text', read: text => text }
export const onOff: Kind<boolean> = { allowed: 'on | off', read: text => ({ on: true, off: false })[text] }

export const languageList: Kind<readonly string[] | 'any'> = {
  allowed: "'any', or languages as two letters with commas between, such as en,de",
  read: text => (text === 'any' ? 'any' : /^[a-z]{2,3}(,[a-z]{2,3})*$/.test(text) ? text.split(',') : undefined),
}

export const secret: Kind<string> = {
  allowed: 'a key of 16 characters or more, without blanks',
  read: text => (/^\S{16,}$/.test(text) ? text : undefined),
}

/** As a browser sends it. `*` alone: whatever it sends. */
export const originList: Kind<readonly string[]> = {
  allowed: 'origins as browsers send them, such as https://chat.example.edu, with commas between; or * for all',
  read: text => {
    const origins = text.split(',').map(origin => origin.trim())
    return text === '*' ||
      origins.every(
        origin => /^https?:[^*]*$/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin,
      )
      ? origins
      : undefined
  },
}

/** As browsers send them: in small letters, without the port. `*` alone: any. */
export const hostList: Kind<readonly string[]> = {
  allowed: 'names of hosts without ports, such as askwell.example.edu, with commas between; or * for all',
  read: text => {
    const names = text
      .toLowerCase()
      .split(',')
      .map(name => name.trim())
    return text === '*' || names.every(name => /^([\w.-]+|\[[\da-f:.]+\])$/.test(name)) ? names : undefined
  },
}
