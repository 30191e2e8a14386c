import type { FastifyReply, FastifyRequest } from 'fastify'
import { AskError } from '../../errors.ts'

/** Returns a signal that aborts with `cancelled` if the client disconnects before the reply is sent. */
export function disconnectSignal(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const { raw } = reply
  const onClose = () => {
    if (!raw.writableFinished) controller.abort(new AskError('cancelled'))
  }
  // The client may have disconnected while the body was read or the rate limit checked; 'close' is not emitted twice.
  if (raw.closed || (request.raw.destroyed && !request.raw.complete)) onClose()
  raw.once('close', onClose)
  return controller.signal
}
