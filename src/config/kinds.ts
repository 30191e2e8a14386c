import { accessSync, constants } from 'node:fs'
import { isIP } from 'node:net'
import { databaseUrlFault, readDatabaseUrl } from './database-url.ts'
import { readRedisUrl, redisUrlFault } from './redis-url.ts'

/** Kinds of settings: allowed values and how to parse them. */

export interface Setting<T, Default extends string | undefined = string | undefined> {
  readonly name: string
  /** As written in the environment; undefined when there is no default. */
  readonly default: Default
  readonly about: string
  /** Describes valid values, for the message about an invalid one. */
  readonly allowed: string
  /** Returns undefined for an invalid value. */
  readonly read: (text: string) => T | undefined
  /** What is wrong with an invalid value, if more is known than `allowed` says; it must not contain the value. */
  readonly faultOf?: (text: string) => string | null
  readonly isSecret?: boolean
  /** Deprecated name, read when the current name is unset. */
  readonly formerName?: string
  /** A more specific name, which takes precedence. */
  readonly preferredName?: string
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

/** A setting whose former name still works but logs a deprecation. */
export function renamedFrom<T, Default extends string | undefined>(
  formerName: string,
  each: Setting<T, Default>,
): Setting<T, Default> {
  return { ...each, formerName }
}

/** A setting of OpenTelemetry for all signals, which has a form for traces alone. */
export function alsoForTraces<T, Default extends string | undefined>(each: Setting<T, Default>): Setting<T, Default> {
  const preferredName = each.name.replace('OTLP_', 'OTLP_TRACES_')
  return { ...each, preferredName, about: `${each.about} \`${preferredName}\` takes precedence.` }
}

export interface Kind<T> {
  readonly allowed: string
  readonly read: (text: string) => T | undefined
  readonly faultOf?: (text: string) => string | null
}

export function integer(min: number, max: number): Kind<number> {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    read: text => (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined),
  }
}

/** `auto`, or a whole number. */
export function autoOr(min: number, max: number): Kind<'auto' | number> {
  const number = integer(min, max)
  return { allowed: `auto, or ${number.allowed}`, read: text => (text === 'auto' ? text : number.read(text)) }
}

export function fraction(): Kind<number> {
  const read = (text: string) => (/^\d*\.?\d+$/.test(text) && Number(text) <= 1 ? Number(text) : undefined)
  return { allowed: 'a number from 0 to 1', read }
}

/** `auto`, or a number from 0 to 1. */
export function autoOrFraction(): Kind<'auto' | number> {
  const number = fraction()
  return { allowed: `auto, or ${number.allowed}`, read: text => (text === 'auto' ? text : number.read(text)) }
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

/** URL of an HTTP endpoint. Credentials before the host would be rejected on each call, and appear in the log. */
export const endpoint: Kind<string> = {
  allowed: 'a URL that starts with http:// or https://, without credentials before the host',
  read: text =>
    url('http', 'https').read(text) !== undefined && new URL(text).username + new URL(text).password === ''
      ? text
      : undefined,
}

export const databaseUrl: Kind<string> = {
  allowed: 'postgres://USER:PASSWORD@HOST:PORT/DATABASE',
  read: text => (readDatabaseUrl(text) === undefined ? undefined : text),
  faultOf: databaseUrlFault,
}

export const redisUrl: Kind<string> = {
  allowed: 'redis://HOST:PORT',
  read: text => (readRedisUrl(text) === undefined ? undefined : text),
  faultOf: redisUrlFault,
}

/** Excludes braces, which choose the slot of a key in Redis Cluster, and characters with a meaning in key patterns. */
export const redisPrefix: Kind<string> = {
  allowed: '1 to 64 letters, digits and the characters . _ : -, such as askwell-staging',
  read: text => (/^[\w.:-]{1,64}$/.test(text) ? text : undefined),
}

/** Proxies whose X-Forwarded-For is trusted: a number of chained proxies, or proxies in certain networks. */
export type ProxyTrust = { readonly hops: number } | { readonly networks: readonly Network[] }

export interface Network {
  readonly address: string
  /** Prefix length in bits. */
  readonly prefix: number
}

const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Null when the setting is off. */
export const proxyTrust: Kind<ProxyTrust | null> = {
  allowed:
    'off, on (one proxy), the number of chained proxies (1 to 16), or their networks separated by commas, such as 10.0.0.0/8,2001:db8::/32 (loopback, linklocal and uniquelocal are also accepted)',
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

/** Rejects `/0`: it would make every client a trusted proxy that can claim any address. */
function networkOf(text: string): Network | undefined {
  const [, address = '', bits] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const most = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  const prefix = Number(bits ?? most)
  return prefix >= 1 && prefix <= most ? { address, prefix } : undefined
}

/** `off`, `learn`, or the minimum similarity. */
export const similarity: Kind<'off' | 'learn' | number> = {
  allowed: 'off, learn, or a number from 0 to 1',
  read: text => (text === 'off' || text === 'learn' ? text : fraction().read(text)),
}

/** Prices of a model per million tokens. */
export interface ModelPrices {
  readonly prompt: number
  readonly completion: number
  /** Of the embedding model; absent when it is free or unknown. */
  readonly embedding?: number
  /** Of the reranker; absent when it is free, unknown, or has a price per call. */
  readonly rerank?: number
  /** Of the reranker, per call. */
  readonly rerankCall?: number
}

const price = String.raw`(\d+(?:\.\d+)?)`
const optionalPrices = ['embedding', 'rerank', 'rerank_call'].map(name => `(?:, *${name}=${price})?`).join('')
const pricesPattern = new RegExp(`^prompt=${price}, *completion=${price}${optionalPrices}$`)

export const modelPrices: Kind<ModelPrices> = {
  allowed:
    'prompt=PRICE,completion=PRICE per million tokens, such as prompt=0.15,completion=0.60, and after them embedding=PRICE, rerank=PRICE and rerank_call=PRICE (per call), in this order, for what costs something',
  read: text => {
    const [, prompt, completion, embedding, rerank, rerankCall] = pricesPattern.exec(text) ?? []
    return prompt === undefined || completion === undefined
      ? undefined
      : {
          prompt: Number(prompt),
          completion: Number(completion),
          ...(embedding !== undefined && { embedding: Number(embedding) }),
          ...(rerank !== undefined && { rerank: Number(rerank) }),
          ...(rerankCall !== undefined && { rerankCall: Number(rerankCall) }),
        }
  },
}

/** What may be used per day (UTC): tokens of the language model, money for all models with a price, or both. */
export interface DayBudget {
  readonly tokens?: number
  readonly cost?: number
}

/** An amount of money above 0. */
export const amount: Kind<number> = {
  allowed: 'an amount above 0, such as 2.50',
  read: text => (/^\d{1,12}(\.\d{1,6})?$/.test(text) && Number(text) > 0 ? Number(text) : undefined),
}

/** Budgets by collection. A collection may have one of tokens and one of money. */
export const collectionBudgets: Kind<Readonly<Record<string, DayBudget>>> = {
  allowed:
    'NAME=tokens:NUMBER or NAME=cost:AMOUNT, separated by commas, such as admissions=tokens:200000,faq=cost:1.5, with each collection at most once per unit',
  read: text => {
    const budgets = new Map<string, DayBudget>()
    for (const each of text.split(',')) {
      const [, name, unit, limit = ''] = /^([a-z0-9][a-z0-9_-]{0,62})=(tokens|cost):([\d.]+)$/.exec(each.trim()) ?? []
      if (name === undefined) return undefined
      const value = unit === 'tokens' ? tokensPerDay.read(limit) : amount.read(limit)
      const before = budgets.get(name) ?? {}
      if (value === undefined || Object.hasOwn(before, String(unit))) return undefined
      budgets.set(name, { ...before, [String(unit)]: value })
    }
    return Object.fromEntries(budgets)
  },
}

export const tokensPerDay = integer(1, 1_000_000_000_000)

export const currency: Kind<string> = {
  allowed: 'a currency code of three capital letters, such as EUR',
  read: text => (/^[A-Z]{3}$/.test(text) ? text : undefined),
}

export const words: Kind<string> = { allowed: 'text that is not empty', read: text => text }
/** OpenTelemetry's booleans are not case-sensitive. */
export const trueFalse: Kind<boolean> = {
  allowed: 'true | false',
  read: text => ({ true: true, false: false })[text.toLowerCase()],
}

/** A share that may be written like any number, as OpenTelemetry's are. */
export const sampleShare: Kind<number> = {
  allowed: 'a number from 0 to 1, such as 0.05',
  read: text => (/^(\d+\.?\d*|\.\d+)(e-?\d+)?$/i.test(text) && Number(text) <= 1 ? Number(text) : undefined),
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/

/** Attributes of a resource, read by OpenTelemetry's SDK. */
export const attributes: Kind<string> = {
  allowed: 'NAME=VALUE, separated by commas, such as deployment.environment.name=production',
  read: text => (text.split(',').every(each => /^\s*[^=\s]+\s*=[^=]*$/.test(each)) ? text : undefined),
}

/** `NAME=VALUE` pairs, separated by commas, with percent-encoded values, as in the `baggage` header. */
export const exporterHeaders: Kind<Readonly<Record<string, string>>> = {
  allowed: 'NAME=VALUE, separated by commas, with commas and other special characters in values percent-encoded',
  read: text => {
    const pairs = text.split(',').flatMap(each => (each.trim() === '' ? [] : [/^([^=]*)=(.*)$/.exec(each)]))
    try {
      const headers = pairs.map(pair => [(pair?.[1] ?? '').trim(), decodeURIComponent(pair?.[2] ?? '').trim()] as const)
      const isValid = headers.every(([name, value]) => headerName.test(name) && /^[\t\x20-\x7e]+$/.test(value))
      return isValid && headers.length > 0 ? Object.fromEntries(headers) : undefined
    } catch {
      return undefined // an invalid percent escape
    }
  },
}

const knownPropagators = ['tracecontext', 'baggage', 'b3', 'b3multi', 'jaeger', 'none']

export const propagators: Kind<readonly string[]> = {
  allowed: `${knownPropagators.slice(0, -1).join(', ')}, separated by commas; or none`,
  read: text => {
    const names = text.split(',').map(name => name.trim())
    return names.every(name => knownPropagators.includes(name)) ? names : undefined
  },
}

export const readableFile: Kind<string> = {
  allowed: 'the path of a file that can be read',
  read: text => {
    try {
      accessSync(text, constants.R_OK)
      return text
    } catch {
      return undefined
    }
  },
}

export const onOff: Kind<boolean> = { allowed: 'on | off', read: text => ({ on: true, off: false })[text] }

export const languageList: Kind<readonly string[] | 'any'> = {
  allowed: "'any', or language codes separated by commas, such as en,de",
  read: text => (text === 'any' ? 'any' : /^[a-z]{2,3}(,[a-z]{2,3})*$/.test(text) ? text.split(',') : undefined),
}

export const tesseractLanguages: Kind<readonly string[]> = {
  allowed: 'language names of Tesseract joined by +, such as eng+rus or chi_sim',
  read: text => (/^[a-z]{3}(?:_[a-z]+)*(?:\+[a-z]{3}(?:_[a-z]+)*)*$/.test(text) ? text.split('+') : undefined),
}

export const secret: Kind<string> = {
  allowed: 'a key of at least 16 characters, without spaces',
  read: text => (/^\S{16,}$/.test(text) ? text : undefined),
}

/** Origins as browsers send them; `*` alone allows any. */
export const originList: Kind<readonly string[]> = {
  allowed: 'origins as browsers send them, such as https://chat.example.edu, separated by commas; or * for all',
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

/** Host names as browsers send them: lower case, without the port. `*` alone allows any. */
export const hostList: Kind<readonly string[]> = {
  allowed: 'host names without ports, such as askwell.example.edu, separated by commas; or * for all',
  read: text => {
    const names = text
      .toLowerCase()
      .split(',')
      .map(name => name.trim())
    return text === '*' || names.every(name => /^([\w.-]+|\[[\da-f:.]+\])$/.test(name)) ? names : undefined
  },
}
