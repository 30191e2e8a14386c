import type { FastifyReply, FastifyRequest } from 'fastify'
import { AskError } from '../../errors.ts'

/** A signal that aborts with `cancelled` as soon as the client closes its connection before the reply is out. */
export function disconnectSignal(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  const { raw } = reply
  const onClose = () => {
    if (!raw.writableFinished) controller.abort(new AskError('cancelled'))
  }
  // It may have left while its body was read or its rate was looked up: 'close' does not come twice.
  if (raw.closed || (request.raw.destroyed && !request.raw.complete)) onClose()
  raw.once('close', onClose)
  return controller.signal
}
