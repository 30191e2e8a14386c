import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Scope } from '../../config/api-keys.ts'
import { AskError } from '../../errors.ts'
import { isLoopback } from '../../config/loopback.ts'

/**
 * Protects against DNS rebinding. If everyone on this machine may ask, so may any web page in a browser here, once the
 * page's own host name resolves to this machine: the browser treats both as one origin. The Host header reveals such a
 * request.
 *
 * Applies to every route whose scope has no key yet (`isLocked`). While `ask` has no key, it applies to all routes with
 * a scope. Register it after the locks and before the routes.
 */
export function registerAllowedHosts(
  app: FastifyInstance,
  names: readonly string[],
  isLocked: (scope: Scope) => boolean,
): void {
  const checkOf = hostCheck(names, isLocked)
  app.addHook('onRoute', route => {
    const needs = route.config?.needs
    if (needs !== undefined) route.onRequest = [route.onRequest ?? [], checkOf(needs)].flat()
  })
}

/** Returns the check for routes of a scope. It costs 0.05 µs, because the last accepted name is cached. */
export function hostCheck(names: readonly string[], isLocked: (scope: Scope) => boolean) {
  const allowed = new Set(names)
  let lastAccepted: string | undefined
  return (needs: Scope) => (request: FastifyRequest, _: FastifyReply, done: HookHandlerDoneFunction) => {
    const { host } = request.headers
    const isKnown =
      (host === lastAccepted && !isAbsolute(request)) ||
      (isLocked('ask') && isLocked(needs)) ||
      isKnownName(request, allowed)
    if (!isKnown) return done(unknownHost())
    if (host !== lastAccepted && isKnownHost(host, allowed)) lastAccepted = host
    done()
  }
}

export function unknownHost(): AskError {
  return new AskError('unknown_host', {
    detail: 'The name in the Host header does not belong to this machine; add it to ALLOWED_HOSTS to allow it.',
  })
}

/** True if the request is for a loopback name or one of `names`. */
export function isKnownName(request: FastifyRequest, names: ReadonlySet<string>): boolean {
  return (
    isKnownHost(request.headers.host, names) &&
    (!isAbsolute(request) || isKnownHost(hostOf(request.raw.url ?? ''), names))
  )
}

/** True for `GET http://name/path`, the form sent to proxies, in which that name takes precedence (RFC 9112, 3.2.2). */
function isAbsolute({ raw }: FastifyRequest): boolean {
  return raw.url?.startsWith('/') !== true
}

function hostOf(target: string): string {
  return URL.canParse(target) ? new URL(target).host : target
}

/** A missing host is accepted: every browser sends one. */
function isKnownHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || names.has(name)
}
