import { readFileSync } from 'node:fs'
import type { Priority } from '../priority.ts'

/**
 * API_KEYS and API_KEYS_FILE: who may do what. Of a key only its SHA-256 is kept, here and in the configuration. A fast
 * hash without salt is enough for what `askwell key new` makes (256 random bits cannot be guessed from it, however fast
 * it is); for a password of people it would not be.
 */
export interface ApiKey {
  /** Shown in the log; never the key. */
  readonly name: string
  /** Of the whole key, in small hex. */
  readonly sha256: string
  readonly scopes: readonly Scope[]
  /** Those it may ask about; undefined: all. */
  readonly collections: readonly string[] | undefined
  /** Requests in RATE_LIMIT_SECONDS, counted for this key wherever it comes from; undefined: by address, as without a key. */
  readonly rateLimit: number | undefined
  /** Whose questions these are: no other tenant gets their cached answers. */
  readonly tenant: string | undefined
  /** What its questions are when they do not say so themselves. */
  readonly priority: Priority | undefined
}

export const scopes = ['ask', 'admin', 'monitoring'] as const
/** `ask`: POST /ask and /search; `admin`: documents and caches; `monitoring`: /metrics. */
export type Scope = (typeof scopes)[number]

export const priorities: readonly Priority[] = ['interactive', 'batch']

type Json = Readonly<Record<string, unknown>>

/** Reads a field; undefined: it is not what `allowed` says. */
interface Field {
  readonly allowed: string
  readonly fits: (value: unknown) => boolean
}

const fields: Readonly<Record<string, Field>> = {
  name: { allowed: '1 to 64 of a-z, A-Z, 0-9, _, . and -', fits: isText(/^[\w.-]{1,64}$/) },
  sha256: { allowed: '64 hex digits, as `askwell key new` prints them', fits: isText(/^[\da-f]{64}$/i) },
  scopes: { allowed: `a list of ${scopes.join(', ')}`, fits: isListOf(value => scopes.includes(value as Scope)) },
  collections: {
    allowed: 'a list of names of collections, or left out for all',
    fits: isListOf(isText(/^[a-z0-9][a-z0-9_-]{0,62}$/)),
  },
  rate_limit: {
    allowed: 'a whole number from 1 to 1000000',
    fits: value => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1_000_000,
  },
  tenant: { allowed: 'a text of 1 to 200 characters', fits: isText(/^[^\0]{1,200}$/u) },
  priority: { allowed: priorities.join(' or '), fits: value => priorities.includes(value as Priority) },
}

function isText(pattern: RegExp): (value: unknown) => boolean {
  return value => typeof value === 'string' && pattern.test(value)
}

function isListOf(fits: (value: unknown) => boolean): (value: unknown) => boolean {
  return value => Array.isArray(value) && value.length > 0 && value.every(fits)
}

export interface Sources {
  /** The text of API_KEYS. */
  readonly inline: string | undefined
  /** The path in API_KEYS_FILE. */
  readonly file: string | undefined
  /** Keys from elsewhere that the rest must not collide with. */
  readonly named?: readonly Pick<ApiKey, 'name' | 'sha256' | 'scopes'>[]
}

/** The keys of both settings together. What is wrong is added to `faults`, each with its place and what to do. */
export function readApiKeys({ inline, file, named = [] }: Sources, faults: string[]): readonly ApiKey[] {
  const found = [
    ...(inline === undefined ? [] : entriesOf('API_KEYS', inline, faults)),
    ...(file === undefined ? [] : entriesOf('API_KEYS_FILE', textOf(file, faults), faults)),
  ]
  const open = { collections: undefined, rateLimit: undefined, tenant: undefined, priority: undefined }
  const keys = [
    ...named.map(key => ({ ...open, ...key })),
    ...found.flatMap(({ place, value }) => keyOf(place, value, faults)),
  ]
  refuseTwins(keys, faults)
  return keys
}

function textOf(path: string, faults: string[]): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    faults.push(
      `API_KEYS_FILE is ${JSON.stringify(path)}, which cannot be read (${(error as NodeJS.ErrnoException).code}); it must be a JSON file`,
    )
    return undefined
  }
}

interface Entry {
  readonly place: string
  readonly value: unknown
}

/** The engine's own words are not shown: they quote the text, and someone may have put a key there. */
function entriesOf(setting: string, text: string | undefined, faults: string[]): Entry[] {
  if (text === undefined) return []
  const list = parsed(text)
  if (Array.isArray(list)) return list.map((value, index) => ({ place: `${setting}[${index}]`, value }))
  faults.push(
    `${setting} must be a JSON list of keys, such as [{"name":"web","sha256":"…"}]; \`askwell key new\` prints one`,
  )
  return []
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function keyOf(place: string, value: unknown, faults: string[]): ApiKey[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.push(`${place} must be an object with name and sha256`)
    return []
  }
  const wrong = [...unknownFields(value as Json), ...wrongFields(value as Json), ...contradictions(value as Json)]
  faults.push(...wrong.map(fault => `${place}${fault}`))
  return wrong.length > 0 ? [] : [keyFrom(value as Json)]
}

/** A misspelt `collections` would open all of them. */
function unknownFields(value: Json): string[] {
  return Object.keys(value)
    .filter(name => !Object.hasOwn(fields, name))
    .map(name => `.${name.slice(0, 40)} is not a known field; they are ${Object.keys(fields).join(', ')}`)
}

function wrongFields(value: Json): string[] {
  return Object.entries(fields).flatMap(([name, { allowed, fits }]) => {
    const isMissing = value[name] === undefined
    if (isMissing ? name !== 'name' && name !== 'sha256' : fits(value[name])) return []
    return [`.${name} ${isMissing ? 'is missing' : 'is not usable'}; it must be ${allowed}`]
  })
}

/** What goes with asking does not go with keys that may not ask, and an admin sees every collection. */
function contradictions(value: Json): string[] {
  const wanted = Array.isArray(value['scopes']) ? (value['scopes'] as unknown[]) : ['ask']
  const ofAsking = ['collections', 'tenant', 'priority'].filter(
    name => value[name] !== undefined && !wanted.includes('ask'),
  )
  const open =
    value['collections'] !== undefined && wanted.includes('admin')
      ? ['.collections cannot be kept to by a key with the scope admin; make two keys']
      : []
  return [...ofAsking.map(name => `.${name} is for keys with the scope ask; add that scope, or leave it out`), ...open]
}

function keyFrom(value: Json): ApiKey {
  return {
    name: value['name'] as string,
    sha256: (value['sha256'] as string).toLowerCase(),
    scopes: (value['scopes'] as Scope[] | undefined) ?? ['ask'],
    collections: value['collections'] as string[] | undefined,
    rateLimit: value['rate_limit'] as number | undefined,
    tenant: value['tenant'] as string | undefined,
    priority: value['priority'] as Priority | undefined,
  }
}

/** Two of a name cannot be told apart in the log, and of two with the same digest one would have no effect. */
function refuseTwins(keys: readonly ApiKey[], faults: string[]): void {
  for (const field of ['name', 'sha256'] as const) {
    const names = keys
      .filter((key, index) => keys.findIndex(other => other[field] === key[field]) !== index)
      .map(({ name }) => JSON.stringify(name))
    if (names.length > 0)
      faults.push(
        `API_KEYS and the other settings with keys have the same ${field} twice: ${[...new Set(names)].join(', ')}; each key needs its own`,
      )
  }
}
