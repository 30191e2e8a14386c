import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import type { Scope } from '../../config/api-keys.ts'
import { AskError } from '../../errors.ts'
import { isLoopback } from '../../config/loopback.ts'

/**
 * Where everybody on this machine may ask or look, a page from anywhere in a browser of this machine may too, once its
 * own name points here (DNS rebinding): for the browser that is one origin. Such a request shows by the name it is for.
 * Holds for every route that would need a key if there were one; `isLocked`: by now there is, for that scope. Where
 * asking is open, a name must be known for the other routes as well. Register after the locks and before the routes.
 * Takes .05 µs, for names come again.
 */
export function registerAllowedHosts(
  app: FastifyInstance,
  names: readonly string[],
  isLocked: (scope: Scope) => boolean,
): void {
  const allowed = new Set(names)
  let seen: string | undefined
  const checkOf = (needs: Scope) => (request: FastifyRequest, _: FastifyReply, done: HookHandlerDoneFunction) => {
    const { host } = request.headers
    const isKnown =
      (host === seen && !isAbsolute(request)) || (isLocked('ask') && isLocked(needs)) || isKnownName(request, allowed)
    if (!isKnown) return done(unknownHost())
    if (host !== seen && isKnownHost(host, allowed)) seen = host
    done()
  }
  app.addHook('onRoute', route => {
    const needs = route.config?.needs
    if (needs !== undefined) route.onRequest = [route.onRequest ?? [], checkOf(needs)].flat()
  })
}

export function unknownHost(): AskError {
  return new AskError('unknown_host', {
    detail: 'the name in the Host header is not one of this machine; add it to ALLOWED_HOSTS if it is meant to be used',
  })
}

/** Asked under a name of loopback's, or one of `names`. */
export function isKnownName(request: FastifyRequest, names: ReadonlySet<string>): boolean {
  return (
    isKnownHost(request.headers.host, names) &&
    (!isAbsolute(request) || isKnownHost(hostOf(request.raw.url ?? ''), names))
  )
}

/** `GET http://name/path`, as proxies are asked; for what is asked so, the name in it counts (RFC 9112, 3.2.2). */
function isAbsolute({ raw }: FastifyRequest): boolean {
  return raw.url?.startsWith('/') !== true
}

function hostOf(target: string): string {
  return URL.canParse(target) ? new URL(target).host : target
}

/** No browser leaves it out. */
function isKnownHost(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || names.has(name)
}
