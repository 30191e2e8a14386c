import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AskError } from '../../errors.ts'
import { isPreflight } from './cors.ts'
import { shownPath } from './shown-path.ts'

/**
 * What is no address of ours gets 404, and a method that an address does not take 405 with `Allow`; before the
 * body is read, or a wrong address would be told that its body is wrong. Register before the routes.
 */
export function registerNotFound(app: FastifyInstance): void {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    methods.set(url, known)
    for (const each of [method].flat()) known.add(each)
  })

  app.addHook('onRequest', async (request, reply) => {
    // What lets other origins in (cors.ts) takes OPTIONS for every address; of the rest it is only asked by mistake.
    if (request.is404 || (request.method === 'OPTIONS' && !isPreflight(request))) {
      const address = addressOf(request)
      const allowed = [...methods].find(([pattern]) => fits(address, pattern))?.[1]
      if (!allowed) throw notFound(request, address)
      reply.header('allow', [...allowed].join(', '))
      throw new AskError('method_not_allowed', {
        detail: `${shownPath(address)} takes ${[...allowed].join(', ')}, not ${request.method}`,
      })
    }
  })
}

function addressOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? ''
}

/** Does an address fit a route such as `/documents/:id`? */
function fits(address: string, pattern: string): boolean {
  const parts = address.split('/')
  const expected = pattern.split('/')
  return (
    parts.length === expected.length &&
    expected.every((part, at) => (part.startsWith(':') ? parts[at] !== '' : part === parts[at]))
  )
}

function notFound({ method }: FastifyRequest, address: string): AskError {
  return new AskError('not_found', {
    detail: `${method} ${shownPath(address)} is not an address of this service; GET / lists them`,
  })
}
