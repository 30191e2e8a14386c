import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Asking, AskResult } from '../asking.ts'
import type { AskForm } from '../asking/form.ts'
import { askForm } from '../edge/ask-form.ts'
import { sendJson } from '../replies/json.ts'
import { AskBody } from '../replies/schemas.ts'
import { sendStream } from '../replies/sse.ts'
import { questionOf } from '../replies/wire.ts'

type AskRequest = FastifyRequest<{ Body: AskBody }>

/** POST /ask: JSON, or server-sent events with `stream: true` or `Accept: text/event-stream`. */
export function registerAsk(app: FastifyInstance, { ask }: Asking): void {
  app.post<{ Body: AskBody }>(
    '/ask',
    { schema: { body: AskBody }, config: { needs: 'ask', logsItself: true, waitsForLimit: true } },
    (request, reply) => {
      const question = questionOf(request.body, request.apiKey)
      const form = askForm(request, reply, wantsStream(request))
      const asked = ask(question, form)
      return asked instanceof Promise
        ? asked.then<FastifyReply | void>(result => send(request, reply, form, result))
        : send(request, reply, form, asked)
    },
  )
}

function send(request: AskRequest, reply: FastifyReply, { isStreamed }: AskForm, result: AskResult) {
  return isStreamed && result.kind === 'run' ? sendStream(request, reply, result) : sendJson(request, reply, result)
}

function wantsStream({ headers, body }: AskRequest): boolean {
  const accept = headers.accept ?? ''
  return body.stream ?? (accept.includes('text/event-stream') && !accept.includes('application/json'))
}
