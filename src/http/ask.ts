import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer, Ask, AskEvent } from '../ask/terms.ts'
import { AskError } from '../errors.ts'
import { begin, serverTiming, type Begun, type RunSettings } from './begin.ts'
import { AskBody } from './schemas.ts'
import { sseHeaders, sseStream } from './sse.ts'
import { answerJson, questionOf, type AnswerView } from './wire.ts'

export interface AskRouteOptions extends RunSettings {
  readonly ask: Ask
  readonly metrics: {
    answered(answer: Answer, seconds: number): void
    failed(code: string): void
  }
}

/** POST /ask: JSON, or server-sent events with `stream: true` or `Accept: text/event-stream`. */
export function registerAsk(app: FastifyInstance, options: AskRouteOptions): void {
  app.post<{ Body: AskBody }>('/ask', { schema: { body: AskBody } }, async (request, reply) => {
    const isStreamed = wantsStream(request)
    const begun = begin(request, reply, options, isStreamed)
    const view = (): AnswerView => ({ id: request.id, include: request.body.include ?? [], timings: begun.timings() })
    const events = begun.trace.follow(observed(options.ask(questionOf(request.body), begun.run), begun, options.metrics))
    return isStreamed ? await sendStream(reply, events, view) : await sendJson(reply, events, view)
  })
}

function wantsStream(request: FastifyRequest<{ Body: AskBody }>): boolean {
  const accept = request.headers.accept ?? ''
  return request.body.stream ?? (accept.includes('text/event-stream') && !accept.includes('application/json'))
}

async function sendJson(reply: FastifyReply, events: AsyncGenerator<AskEvent>, view: () => AnswerView) {
  const answer = await lastAnswer(events)
  const shown = view()
  return reply.header('server-timing', serverTiming(shown.timings, `cache;desc=${answer.cache.status}`)).send(answerJson(answer, shown))
}

/** The first event is awaited before the head is sent, so that a question that fails at once gets its status. */
async function sendStream(reply: FastifyReply, events: AsyncGenerator<AskEvent>, view: () => AnswerView) {
  const first = await events.next()
  return reply.headers(sseHeaders).send(sseStream(first, events, view))
}

async function lastAnswer(events: AsyncGenerator<AskEvent>): Promise<Answer> {
  for await (const event of events) if (event.type === 'done') return event.answer
  throw new AskError('internal', { detail: 'the pipeline ended without an answer' })
}

/** Tells metrics, the log and the trace how it went, whichever form the reply takes. */
async function* observed(events: AsyncGenerator<AskEvent>, begun: Begun, metrics: AskRouteOptions['metrics']): AsyncGenerator<AskEvent, void, undefined> {
  // What stands when the reader of a stream leaves between two events: then nothing is thrown.
  let failure: string | null = 'cancelled'
  try {
    for await (const event of events) {
      if (event.type === 'done') {
        failure = null
        tell(event.answer, begun, metrics)
      }
      yield event
    }
  } catch (error) {
    failure = error instanceof AskError ? error.code : 'internal'
    throw error
  } finally {
    if (failure !== null) metrics.failed(failure)
  }
}

function tell(answer: Answer, { log, trace, elapsedMs }: Begun, metrics: AskRouteOptions['metrics']): void {
  const { mode, generator, abstained, degraded, cache, usage } = answer
  const ms = elapsedMs()
  metrics.answered(answer, ms / 1000)
  log.info({ mode, generator, abstained, degraded, cache: cache.status, usage, ms: Math.round(ms) }, 'answered')
  trace.note({ 'askwell.mode': mode, 'askwell.generator': generator, 'askwell.abstained': abstained, 'askwell.degraded': [...degraded], 'askwell.cache': cache.status })
}
