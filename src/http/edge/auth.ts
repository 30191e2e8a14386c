import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { hash } from 'node:crypto'
import type { ApiKey, Scope } from '../../config/api-keys.ts'
import { isFromHere } from './client-address.ts'
import { isKnownName, unknownHost } from './allowed-hosts.ts'
import type { KeySource } from '../../config/key-file.ts'
import { unknownCollection } from '../../ask/unknown-collection.ts'
import { AskError } from '../../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope a key must have for this route. */
    readonly needs?: Scope
  }
  interface FastifyInstance {
    /** Throws unless the request may use `scope`. For a scope that depends on the body; a route's own is `needs`. */
    requireScope(scope: Scope, request: FastifyRequest): void
  }
  interface FastifyRequest {
    /** The valid key sent with the request, if any. Set once, before any code that reads it. */
    apiKey: ApiKey | undefined
  }
}

/**
 * Finds the key of a request by the SHA-256 digest of the raw key. The time this takes reveals nothing about a key: an
 * attacker cannot choose how a digest begins. (A lookup by the raw key could reveal how much of a guess is right.)
 * Takes 0.3 µs.
 */
export type KeyOf = (authorization: string | undefined) => ApiKey | undefined

export interface Keyring {
  readonly of: KeyOf
  /** Whether the scope needs a key. Once it does, it always does: removing the last key must not open access. */
  isLocked(scope: Scope): boolean
  /** True if some key has its own rate limit, or may get one. */
  readonly mayLimit: boolean
  /** False if there are no keys and none can be added while the service runs. */
  readonly mayHaveKeys: boolean
}

/** Builds the keyring from `keys`; `source` reports changed keys later. */
export function createKeyring(keys: readonly ApiKey[], source?: Pick<KeySource, 'watch'>): Keyring {
  let byDigest: ReadonlyMap<string, ApiKey>
  const locked = new Set<Scope>()
  const setKeys = (current: readonly ApiKey[]) => {
    byDigest = new Map(current.map(key => [key.sha256, key]))
    for (const { scopes } of current) for (const scope of scopes) locked.add(scope)
  }
  setKeys(keys)
  source?.watch(setKeys)
  return {
    of: authorization => {
      const token = tokenOf(authorization)
      return token === '' ? undefined : byDigest.get(hash('sha256', token, 'hex'))
    },
    isLocked: scope => locked.has(scope),
    mayLimit: source !== undefined || keys.some(({ rateLimit }) => rateLimit !== undefined),
    mayHaveKeys: source !== undefined || keys.length > 0,
  }
}

const maxHeaderLength = 512

/** Extracts the key from `Bearer KEY` (RFC 6750; the scheme in any case). Empty when there is none. */
function tokenOf(authorization = ''): string {
  if (authorization.length > maxHeaderLength || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return ''
  const token = authorization.slice(7).trim()
  return /\s/.test(token) ? '' : token
}

/** Register before the rate limiter, which counts by key. */
export function registerAuth(app: FastifyInstance, keyring: Keyring): void {
  app.decorateRequest('apiKey', undefined)
  if (!keyring.mayHaveKeys) return
  app.addHook('onRequest', (request, _, done) => {
    request.apiKey = keyring.of(request.headers.authorization)
    done()
  })
}

/**
 * Locks every route with a `needs` scope. Register it before the routes.
 *
 * The check is a hook of the route, so it runs after the app's hooks: the rate limiter counts guesses at keys. It runs
 * before the body is read, so a caller without access does not upload in vain.
 *
 * While no key has the scope of a route:
 * - `admin` is closed.
 * - `monitoring` and `explain` are open to this machine only, under a loopback name or one of `names` (ALLOWED_HOSTS),
 *   unless `isOpenToAll` (ALLOW_ANONYMOUS) says that something else restricts access.
 * - `ask` is open. config/access.ts makes sure that a service reachable from other machines has an `ask` key.
 */
export function registerLocks(
  app: FastifyInstance,
  keyring: Keyring,
  isOpenToAll: boolean,
  names: readonly string[] = [],
): void {
  const known = new Set(names)
  const checkLocal = (scope: keyof typeof notLocal) => (request: FastifyRequest) => {
    if (isOpenToAll) return undefined
    if (!isFromHere(request)) return refusal(scope, request, notLocal[scope])
    return known.has('*') || isKnownName(request, known) ? undefined : unknownHost()
  }
  const checkWithoutKeys: Readonly<Record<Scope, (request: FastifyRequest) => AskError | undefined>> = {
    ask: () => undefined,
    explain: checkLocal('explain'),
    admin: adminDisabled,
    monitoring: checkLocal('monitoring'),
  }
  const check = (scope: Scope, request: FastifyRequest) =>
    keyring.isLocked(scope) ? refusal(scope, request) : checkWithoutKeys[scope](request)
  app.decorate('requireScope', (scope, request) => {
    const refused = check(scope, request)
    if (refused) throw refused
  })
  app.addHook('onRoute', route => {
    const needs = route.config?.needs
    if (needs === undefined || (needs === 'ask' && !keyring.mayHaveKeys)) return
    route.onRequest = [
      route.onRequest ?? [],
      (request: FastifyRequest, _: FastifyReply, done: HookHandlerDoneFunction) => done(check(needs, request)),
    ].flat()
  })
}

const notLocal = {
  explain:
    'While no key has the scope explain, explanations are available to this machine only; add a key with the scopes ask and explain to API_KEYS.',
  monitoring:
    'Without a monitoring key, monitoring is available to this machine only; set MONITORING_API_KEY, or add a key with the scope monitoring to API_KEYS.',
} as const

function adminDisabled(): AskError {
  return new AskError('admin_disabled', { detail: 'Set ADMIN_API_KEY and restart the service to use this endpoint.' })
}

function refusal(needs: Scope, { apiKey }: FastifyRequest, detail?: string): AskError | undefined {
  if (apiKey === undefined) return new AskError('unauthorized', { detail: detail ?? sendKey(needs) })
  return apiKey.scopes.includes(needs)
    ? undefined
    : new AskError('forbidden', { detail: `The key is valid but lacks the "${needs}" scope.` })
}

function sendKey(scope: Scope): string {
  return `Send a key with the scope "${scope}" in the header: Authorization: Bearer KEY.`
}

/** The name of the key, for log lines; empty without a key. */
export function namedKey({ apiKey }: Pick<FastifyRequest, 'apiKey'>): { readonly key?: string } {
  return apiKey === undefined ? none : { key: apiKey.name }
}

const none = Object.freeze({})

/** Reports a collection the key may not use as unknown, so that callers cannot discover which names exist. */
export function rejectHiddenCollection(collection: string, apiKey: ApiKey | undefined): void {
  if (apiKey?.collections !== undefined && !apiKey.collections.includes(collection)) throw unknownCollection(collection)
}
