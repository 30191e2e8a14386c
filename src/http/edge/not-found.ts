import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AskError } from '../../errors.ts'
import { isPreflight } from './cors.ts'
import { shownPath } from './shown-path.ts'

/**
 * Replies 404 to an unknown path, and 405 with `Allow` to a method that the path does not support. Does so before the
 * body is read; otherwise a request to a wrong path would get an error about its body. Register before the routes.
 */
export function registerNotFound(app: FastifyInstance): void {
  const methods = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set()
    methods.set(url, known)
    for (const each of [method].flat()) known.add(each)
  })

  app.addHook('onRequest', async (request, reply) => {
    // cors.ts handles OPTIONS for every path, but only preflights are meant for it.
    if (request.is404 || (request.method === 'OPTIONS' && !isPreflight(request))) {
      const path = pathOf(request)
      const allowed = [...methods].find(([pattern]) => matches(path, pattern))?.[1]
      if (!allowed) throw notFound(request, path)
      reply.header('allow', [...allowed].join(', '))
      throw new AskError('method_not_allowed', {
        detail: `${shownPath(path)} supports ${[...allowed].join(', ')}, not ${request.method}.`,
      })
    }
  })
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?')[0] ?? ''
}

/** Whether a path matches a route such as `/documents/:id`. */
function matches(path: string, pattern: string): boolean {
  const parts = path.split('/')
  const expected = pattern.split('/')
  return (
    parts.length === expected.length &&
    expected.every((part, at) => (part.startsWith(':') ? parts[at] !== '' : part === parts[at]))
  )
}

function notFound({ method }: FastifyRequest, path: string): AskError {
  return new AskError('not_found', {
    detail: `${method} ${shownPath(path)} is not an endpoint of this service; GET / lists them all.`,
  })
}
