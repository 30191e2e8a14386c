import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer, Ask, AskEvent, Run, StageName } from '../ask/terms.ts'
import { AskError } from '../errors.ts'
import { hangupSignal } from './hangup.ts'
import { AskBody } from './schemas.ts'
import { sseHeaders, sseStream } from './sse.ts'
import { answerJson, questionOf, type AnswerView } from './wire.ts'

export interface AskRouteOptions {
  readonly ask: Ask
  /** Default and cap of a question's time. */
  readonly timeoutMs: number
  readonly metrics: {
    answered(answer: Answer, seconds: number): void
    failed(code: string): void
  }
}

/** POST /ask: JSON, or server-sent events with `stream: true` or `Accept: text/event-stream`. */
export function registerAsk(app: FastifyInstance, options: AskRouteOptions): void {
  app.post<{ Body: AskBody }>('/ask', { schema: { body: AskBody } }, async (request, reply) => {
    const startedAt = performance.now() - reply.elapsedTime
    const timings: Partial<Record<StageName, number>> = {}
    const isStreamed = wantsStream(request)
    const run: Run = {
      id: request.id,
      signal: hangupSignal(request, reply),
      deadline: startedAt + Math.min(request.body.timeout_ms ?? options.timeoutMs, options.timeoutMs),
      log: request.log,
      isStreamed,
      onStage: (name, ms) => void (timings[name] = (timings[name] ?? 0) + ms),
    }
    const view = (): AnswerView => ({
      id: request.id,
      include: request.body.include ?? [],
      timings: rounded({ ...timings, total: performance.now() - startedAt }),
    })
    const events = observed(options.ask(questionOf(request.body), run), options.metrics, startedAt, request)
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
  return reply.header('server-timing', serverTiming(answer, shown.timings)).send(answerJson(answer, shown))
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

/** Tells metrics and the request's log line how it went, whichever form the reply takes. */
async function* observed(
  events: AsyncGenerator<AskEvent>,
  metrics: AskRouteOptions['metrics'],
  startedAt: number,
  request: FastifyRequest,
): AsyncGenerator<AskEvent, void, undefined> {
  try {
    for await (const event of events) {
      if (event.type === 'done') {
        metrics.answered(event.answer, (performance.now() - startedAt) / 1000)
        logAnswer(request, event.answer, performance.now() - startedAt)
      }
      yield event
    }
  } catch (error) {
    metrics.failed(error instanceof AskError ? error.code : 'internal')
    throw error
  }
}

function logAnswer(request: FastifyRequest, answer: Answer, ms: number): void {
  const { mode, generator, abstained, degraded, cache, usage } = answer
  request.log.info({ mode, generator, abstained, degraded, cache: cache.status, usage, ms: Math.round(ms) }, 'answered')
}

function rounded(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, Math.round(ms * 10) / 10]))
}

function serverTiming(answer: Answer, timings: Readonly<Record<string, number>>): string {
  return [`cache;desc=${answer.cache.status}`, ...Object.entries(timings).map(([name, ms]) => `${name};dur=${ms}`)].join(', ')
}
