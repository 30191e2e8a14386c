import type { FastifyInstance } from 'fastify'
import type { ErrorCode } from '../../errors.ts'
import { askErrorOf } from '../replies/problems.ts'

/**
 * Reports questions that were rejected before their route: rate limited, unauthorized, shed or invalid. Routes report
 * the others themselves. Costs nothing for successful requests.
 */
export function registerEarlyRejections(app: FastifyInstance, onRejected: (code: ErrorCode) => void): void {
  app.addHook('onError', (request, _reply, error, done) => {
    const { needs } = request.routeOptions.config
    // A route that accepted the question has set a log for the request (ask-form.ts).
    if (needs === 'ask' && request.log === request.server.log) onRejected(askErrorOf(error).code)
    done()
  })
}
