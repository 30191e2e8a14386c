import type { FastifyInstance } from 'fastify'
import type { AskError, ErrorCode } from '../../errors.ts'
import { askErrorOf } from '../replies/problems.ts'

const reported = new WeakSet<object>()

/** Call this for a rejection that has been reported although no run began. */
export function noteReported(error: AskError): void {
  reported.add(error)
}

/**
 * Reports questions that were rejected before their route: rate limited, unauthorized, shed or invalid. Routes report
 * the others themselves. Costs nothing for successful requests.
 */
export function registerEarlyRejections(app: FastifyInstance, onRejected: (code: ErrorCode) => void): void {
  app.addHook('onError', (request, _reply, error, done) => {
    const { needs } = request.routeOptions.config
    // A route that accepted the question has set a log for the request (ask-form.ts).
    if (needs === 'ask' && request.log === request.server.log && !reported.has(error))
      onRejected(askErrorOf(error).code)
    done()
  })
}
