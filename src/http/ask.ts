import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Answer, Ask, AskEvent, Run, StageName } from '../ask/terms.ts'
import { AskError } from '../errors.ts'
import { hangupSignal } from './hangup.ts'
import { AskBody } from './schemas.ts'
import { sseHeaders, sseStream } from './sse.ts'
import { startTrace, type RequestTrace } from './trace.ts'
import { answerJson, questionOf, type AnswerView } from './wire.ts'

export interface AskRouteOptions {
  readonly ask: Ask
  /** Default and cap of a question's time. */
  readonly timeoutMs: number
  /** Write questions into the log; by default not. */
  readonly logQuestions?: boolean
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
    const trace = startTrace(request, reply)
    const log = request.log.child(trace.ids)
    // The line that says that the request is over is written by Fastify, through the reply's.
    request.log = reply.log = log
    if (options.logQuestions) log.info({ question: request.body.question }, 'asked')
    const run: Run = {
      id: request.id,
      signal: hangupSignal(request, reply),
      deadline: startedAt + Math.min(request.body.timeout_ms ?? options.timeoutMs, options.timeoutMs),
      log,
      isStreamed,
      onStage: (name, ms) => void (timings[name] = (timings[name] ?? 0) + ms),
    }
    const view = (): AnswerView => ({
      id: request.id,
      include: request.body.include ?? [],
      timings: rounded({ ...timings, total: performance.now() - startedAt }),
    })
    const events = trace.follow(observed(options.ask(questionOf(request.body), run), { metrics: options.metrics, startedAt, log, trace }))
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

interface Observers {
  readonly metrics: AskRouteOptions['metrics']
  readonly startedAt: number
  readonly log: FastifyBaseLogger
  readonly trace: RequestTrace
}

/** Tells metrics, the log and the trace how it went, whichever form the reply takes. */
async function* observed(events: AsyncGenerator<AskEvent>, observers: Observers): AsyncGenerator<AskEvent, void, undefined> {
  // What stands when the reader of a stream leaves between two events: then nothing is thrown.
  let failure: string | null = 'cancelled'
  try {
    for await (const event of events) {
      if (event.type === 'done') {
        failure = null
        tell(event.answer, observers)
      }
      yield event
    }
  } catch (error) {
    failure = error instanceof AskError ? error.code : 'internal'
    throw error
  } finally {
    if (failure !== null) observers.metrics.failed(failure)
  }
}

function tell(answer: Answer, { metrics, startedAt, log, trace }: Observers): void {
  const { mode, generator, abstained, degraded, cache, usage } = answer
  const ms = performance.now() - startedAt
  metrics.answered(answer, ms / 1000)
  log.info({ mode, generator, abstained, degraded, cache: cache.status, usage, ms: Math.round(ms) }, 'answered')
  trace.note({ 'askwell.mode': mode, 'askwell.generator': generator, 'askwell.abstained': abstained, 'askwell.degraded': [...degraded], 'askwell.cache': cache.status })
}

function rounded(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, Math.round(ms * 10) / 10]))
}

function serverTiming(answer: Answer, timings: Readonly<Record<string, number>>): string {
  return [`cache;desc=${answer.cache.status}`, ...Object.entries(timings).map(([name, ms]) => `${name};dur=${ms}`)].join(', ')
}
