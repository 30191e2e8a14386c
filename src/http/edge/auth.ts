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
    /** The scope that a key must have for this route. */
    readonly needs?: Scope
  }
  interface FastifyRequest {
    /** The key that came with it, when it is one of ours. Set once, before everything that asks for it. */
    apiKey: ApiKey | undefined
  }
}

/**
 * Which key a request came with, as hash of the raw key → key. Constant time as far as it matters: what is looked up is
 * a SHA-256 digest, of which nobody can choose a beginning, so how long a comparison goes on tells nothing about a key.
 * (A map by the raw keys could tell how much of a guess was right.) 0.3 µs.
 */
export type KeyOf = (authorization: string | undefined) => ApiKey | undefined

export interface Keyring {
  readonly of: KeyOf
  /** Whether a key is needed for it. Once it was, it stays so: who takes away the last key means to open nothing. */
  isLocked(scope: Scope): boolean
  /** Some have a limit of their own, or may have one day. */
  readonly mayLimit: boolean
  /** False: there is none, and will be none. */
  readonly mayHaveKeys: boolean
}

/** `source` tells of the keys that are there later. */
export function createKeyring(keys: readonly ApiKey[], source?: Pick<KeySource, 'watch'>): Keyring {
  let byDigest: ReadonlyMap<string, ApiKey>
  const locked = new Set<Scope>()
  const take = (present: readonly ApiKey[]) => {
    byDigest = new Map(present.map(key => [key.sha256, key]))
    for (const { scopes } of present) for (const scope of scopes) locked.add(scope)
  }
  take(keys)
  source?.watch(take)
  return {
    of: authorization => {
      const given = tokenOf(authorization)
      return given === '' ? undefined : byDigest.get(hash('sha256', given, 'hex'))
    },
    isLocked: scope => locked.has(scope),
    mayLimit: source !== undefined || keys.some(({ rateLimit }) => rateLimit !== undefined),
    mayHaveKeys: source !== undefined || keys.length > 0,
  }
}

const longestKey = 512

/** `Bearer KEY` (RFC 6750), the scheme in any case; empty: there is none. */
function tokenOf(authorization = ''): string {
  if (authorization.length > longestKey || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return ''
  const token = authorization.slice(7).trim()
  return /\s/.test(token) ? '' : token
}

/** To be registered before what counts requests, which counts by key where one has a limit of its own. */
export function registerAuth(app: FastifyInstance, keyring: Keyring): void {
  app.decorateRequest('apiKey', undefined)
  if (!keyring.mayHaveKeys) return
  app.addHook('onRequest', (request, _, done) => {
    request.apiKey = keyring.of(request.headers.authorization)
    done()
  })
}

/**
 * Locks every route that says what it `needs`; to be registered before the routes. A hook of theirs, so that it comes after
 * those of the app, which count requests: guesses count. Before the body is read: who may not write need not upload. Of a
 * scope that no key has, `admin` is closed; `monitoring` is open to this machine alone, under a name of its own or one of
 * `names` (ALLOWED_HOSTS), unless `isOpenToAll` (ALLOW_ANONYMOUS) says that something else keeps strangers out; `ask` is open: that a service which others can reach
 * has a key for it is for config.ts to see to.
 */
export function registerLocks(
  app: FastifyInstance,
  keyring: Keyring,
  isOpenToAll: boolean,
  names: readonly string[] = [],
): void {
  const known = new Set(names)
  const look = (request: FastifyRequest) => {
    if (!isFromHere(request)) return refusal('monitoring', request, fromElsewhere)
    return known.has('*') || isKnownName(request, known) ? undefined : unknownHost()
  }
  const openings: Readonly<Record<Scope, (request: FastifyRequest) => AskError | undefined>> = {
    ask: () => undefined,
    admin: switchedOff,
    monitoring: request => (isOpenToAll ? undefined : look(request)),
  }
  app.addHook('onRoute', route => {
    const needs = route.config?.needs
    if (needs === undefined || (needs === 'ask' && !keyring.mayHaveKeys)) return
    const lock = (request: FastifyRequest) =>
      keyring.isLocked(needs) ? refusal(needs, request) : openings[needs](request)
    route.onRequest = [
      route.onRequest ?? [],
      (request: FastifyRequest, _: FastifyReply, done: HookHandlerDoneFunction) => done(lock(request)),
    ].flat()
  })
}

const fromElsewhere =
  'no key for monitoring is set, and so it is for this machine alone; set MONITORING_API_KEY, or a key with the scope monitoring in API_KEYS'

function switchedOff(): AskError {
  return new AskError('admin_disabled', { detail: 'set ADMIN_API_KEY and start again to use this address' })
}

function refusal(
  needs: Scope,
  { apiKey }: FastifyRequest,
  detail = 'send a key with this scope as: Authorization: Bearer KEY',
): AskError | undefined {
  if (apiKey === undefined) return new AskError('unauthorized', { detail })
  return apiKey.scopes.includes(needs)
    ? undefined
    : new AskError('forbidden', { detail: `the key is good, but it has not the scope "${needs}"` })
}

/** For the lines of a request; nothing where it came without. */
export function namedKey({ apiKey }: FastifyRequest): { readonly key?: string } {
  return apiKey === undefined ? none : { key: apiKey.name }
}

const none = Object.freeze({})

/** In the words of a collection that is not there: nobody can find out which names exist that are not for him. */
export function refuseHidden(collection: string, apiKey: ApiKey | undefined): void {
  if (apiKey?.collections !== undefined && !apiKey.collections.includes(collection)) throw unknownCollection(collection)
}
