import type { Priority } from '../priority.ts'
import type { DayBudget } from './kinds.ts'
import { readText } from './text-file.ts'

/**
 * A key from API_KEYS or API_KEYS_FILE and what it permits. Only the SHA-256 of a key is stored, here and in the
 * configuration. A fast hash without salt is enough for keys from `askwell key new`: nobody can guess 256 random bits.
 * It would not be enough for passwords that people choose.
 */
export interface ApiKey {
  /** Appears in the log; the key itself never does. */
  readonly name: string
  /** Hash of the whole key, in lower-case hex. */
  readonly sha256: string
  readonly scopes: readonly Scope[]
  /** Collections the key may ask about; undefined for all. */
  readonly collections: readonly string[] | undefined
  /**
   * Requests per RATE_LIMIT_SECONDS, counted for this key across all addresses. Undefined for KEY_RATE_LIMIT, or, if the
   * key may not ask, to count by address, as without a key.
   */
  readonly rateLimit: number | undefined
  /** Tenant that the questions belong to. Other tenants do not get their cached answers. */
  readonly tenant: string | undefined
  /** Priority of questions that do not send X-Priority. */
  readonly priority: Priority | undefined
  /** What this key's questions may use of the models per day. */
  readonly budget: DayBudget | undefined
}

export const scopes = ['ask', 'explain', 'admin', 'monitoring'] as const
/**
 * `ask`: POST /ask and /search; `explain`: their `include: ["explain"]`; `admin`: documents and caches; `monitoring`:
 * /metrics.
 */
export type Scope = (typeof scopes)[number]

export const priorities: readonly Priority[] = ['interactive', 'batch']

type Json = Readonly<Record<string, unknown>>

interface Field {
  /** Describes valid values, for the message about an invalid one. */
  readonly allowed: string
  readonly fits: (value: unknown) => boolean
}

const fields: Readonly<Record<string, Field>> = {
  name: { allowed: '1 to 64 of a-z, A-Z, 0-9, _, . and -', fits: isText(/^[\w.-]{1,64}$/) },
  sha256: { allowed: '64 hex digits, as `askwell key new` prints them', fits: isText(/^[\da-f]{64}$/i) },
  scopes: { allowed: `a list of ${scopes.join(', ')}`, fits: isListOf(value => scopes.includes(value as Scope)) },
  collections: {
    allowed: 'a list of collection names, or omitted for all',
    fits: isListOf(isText(/^[a-z0-9][a-z0-9_-]{0,62}$/)),
  },
  rate_limit: {
    allowed: 'a whole number from 1 to 1000000',
    fits: value => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1_000_000,
  },
  tenant: { allowed: 'a string of 1 to 200 characters', fits: isText(/^[^\0]{1,200}$/u) },
  priority: { allowed: priorities.join(' or '), fits: value => priorities.includes(value as Priority) },
  budget: {
    allowed:
      'an object with tokens_per_day (a whole number), cost_per_day (an amount), or both, above 0, such as {"tokens_per_day":200000}',
    fits: isBudget,
  },
}

const budgetLimits: ReadonlyMap<string, (limit: unknown) => boolean> = new Map([
  ['tokens_per_day', Number.isSafeInteger],
  ['cost_per_day', Number.isFinite],
])

function isBudget(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const limits = Object.entries(value)
  return (
    limits.length > 0 && limits.every(([name, limit]) => Number(limit) > 0 && budgetLimits.get(name)?.(limit) === true)
  )
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
  /** Keys from other settings; names and digests must be unique across all sources. */
  readonly named?: readonly Pick<ApiKey, 'name' | 'sha256' | 'scopes'>[]
  /** Whether the price of the language model is known, so that a key may have a budget of money. */
  readonly hasPrices?: boolean
}

/** Returns the keys of all sources. Adds a message to `faults` for each problem: where it is and what to do. */
export function readApiKeys(
  { inline, file, named = [], hasPrices = false }: Sources,
  faults: string[],
): readonly ApiKey[] {
  const found = [
    ...(inline === undefined ? [] : entriesOf('API_KEYS', inline, faults)),
    ...(file === undefined ? [] : entriesOf('API_KEYS_FILE', keyFileText(file, faults), faults)),
  ]
  const unrestricted = {
    collections: undefined,
    rateLimit: undefined,
    tenant: undefined,
    priority: undefined,
    budget: undefined,
  }
  const keys = [
    ...named.map(key => ({ ...unrestricted, ...key })),
    ...found.flatMap(({ path, value }) => keyOf(path, value, hasPrices, faults)),
  ]
  rejectDuplicates(keys, faults)
  return keys
}

function keyFileText(path: string, faults: string[]): string | undefined {
  try {
    return readText(path)
  } catch (error) {
    faults.push(
      `API_KEYS_FILE is ${JSON.stringify(path)}, which cannot be read (${(error as NodeJS.ErrnoException).code}); it must be a JSON file`,
    )
    return undefined
  }
}

interface Entry {
  /** Such as `API_KEYS[0]`. */
  readonly path: string
  readonly value: unknown
}

/** Does not report the JSON parser's message: it quotes the text, which may contain a key. */
function entriesOf(setting: string, text: string | undefined, faults: string[]): Entry[] {
  if (text === undefined) return []
  const list = parsed(text)
  if (Array.isArray(list)) return list.map((value, index) => ({ path: `${setting}[${index}]`, value }))
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

function keyOf(path: string, value: unknown, hasPrices: boolean, faults: string[]): ApiKey[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.push(`${path} must be an object with name and sha256`)
    return []
  }
  const wrong = [
    ...unknownFields(value as Json),
    ...wrongFields(value as Json),
    ...contradictions(value as Json),
    ...(hasPrices ? [] : costWithoutPrices(value as Json)),
  ]
  faults.push(...wrong.map(fault => `${path}${fault}`))
  return wrong.length > 0 ? [] : [keyFrom(value as Json)]
}

/** Rejects unknown fields: a key with a misspelt `collections` would have access to every collection. */
function unknownFields(value: Json): string[] {
  return Object.keys(value)
    .filter(name => !Object.hasOwn(fields, name))
    .map(name => `.${name.slice(0, 40)} is not a known field; known fields are ${Object.keys(fields).join(', ')}`)
}

function wrongFields(value: Json): string[] {
  return Object.entries(fields).flatMap(([name, { allowed, fits }]) => {
    const isMissing = value[name] === undefined
    if (isMissing ? name !== 'name' && name !== 'sha256' : fits(value[name])) return []
    return [`.${name} ${isMissing ? 'is missing' : 'is invalid'}; it must be ${allowed}`]
  })
}

/**
 * Finds fields and scopes that have no effect without the scope `ask`, and collection limits on an admin key, which
 * sees every collection.
 */
function contradictions(value: Json): string[] {
  const wanted = Array.isArray(value['scopes']) ? (value['scopes'] as unknown[]) : ['ask']
  const withoutEffect = ['collections', 'tenant', 'priority', 'budget'].filter(
    name => value[name] !== undefined && !wanted.includes('ask'),
  )
  const explainsNothing =
    wanted.includes('explain') && !wanted.includes('ask')
      ? ['.scopes has explain without ask, so nothing can be explained; add the scope ask']
      : []
  const unenforceable =
    value['collections'] !== undefined && wanted.includes('admin')
      ? ['.collections cannot restrict a key with the scope admin; create two keys']
      : []
  return [
    ...withoutEffect.map(name => `.${name} requires the scope ask; add the scope or remove the field`),
    ...explainsNothing,
    ...unenforceable,
  ]
}

function costWithoutPrices({ budget }: Json): string[] {
  return isBudget(budget) && Object.hasOwn(budget as object, 'cost_per_day')
    ? [
        '.budget has cost_per_day, but the price of the language model is unknown; set MODEL_PRICES, or use tokens_per_day',
      ]
    : []
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
    budget: budgetFrom(value['budget'] as KeyBudget | undefined),
  }
}

interface KeyBudget {
  readonly tokens_per_day?: number
  readonly cost_per_day?: number
}

function budgetFrom(budget: KeyBudget | undefined): DayBudget | undefined {
  if (budget === undefined) return undefined
  const { tokens_per_day: tokens, cost_per_day: cost } = budget
  return { ...(tokens !== undefined && { tokens }), ...(cost !== undefined && { cost }) }
}

/** Keys with one name cannot be distinguished in the log, and of two keys with one digest the second has no effect. */
function rejectDuplicates(keys: readonly ApiKey[], faults: string[]): void {
  for (const field of ['name', 'sha256'] as const) {
    const names = keys
      .filter((key, index) => keys.findIndex(other => other[field] === key[field]) !== index)
      .map(({ name }) => JSON.stringify(name))
    if (names.length > 0)
      faults.push(
        `API_KEYS and the other key settings contain the same ${field} more than once: ${[...new Set(names)].join(', ')}; give each key its own`,
      )
  }
}
