import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { AskError } from '../errors.ts'
import { isLoopback } from '../loopback.ts'

/**
 * Where everybody on this machine may ask, a page from anywhere in a browser of this machine may too, once its own name
 * points here (DNS rebinding): for the browser that is one origin. Such a request shows by the name it is for. Holds for
 * every route that would need a key if there were one; `isLocked`: by now there is. To be registered before the routes.
 * Takes .05 µs, for names come again.
 */
export function registerHosts(app: FastifyInstance, names: readonly string[], isLocked: () => boolean): void {
  const allowed = new Set(names)
  let seen: string | undefined
  const check = ({ headers: { host } }: FastifyRequest, _: FastifyReply, done: HookHandlerDoneFunction) => {
    if (host === seen || isLocked() || isAllowed(host, allowed)) {
      seen = host
      done()
    } else done(new AskError('unknown_host', { detail: 'the name in the Host header is not one of this machine; add it to ALLOWED_HOSTS if it is meant to be used' }))
  }
  app.addHook('onRoute', route => {
    if (route.config?.needs !== undefined) route.onRequest = [check, route.onRequest ?? []].flat()
  })
}

/** No browser leaves it out. */
function isAllowed(host: string | undefined, names: ReadonlySet<string>): boolean {
  if (host === undefined) return true
  const name = host.replace(/:\d*$/, '').toLowerCase()
  return isLoopback(name.replace(/^\[(.*)\]$/, '$1')) || names.has(name)
}
