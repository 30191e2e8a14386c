import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OutgoingHttpHeaders } from 'node:http'
import type { Answer, Ask, AskEvent, CacheNote, CacheDirectives, RequestFacts, Question } from '../../ask/terms.ts'
import type { Priority } from '../../priority.ts'
import { AskError, errorTable, type ErrorCode } from '../../errors.ts'
import type { ObservedQuestion } from '../../monitoring/figures/slow-questions.ts'
import { elapsedMs } from '../edge/accept-time.ts'
import {
  startAsk,
  serverTiming,
  toTenth,
  withReached,
  type AskContext,
  type RunForm,
  type RunSettings,
} from '../edge/ask-context.ts'
import { readCacheDirectives } from '../edge/cache-control.ts'
import { namedKey } from '../edge/auth.ts'
import { priorityOf } from '../edge/priority.ts'
import { AskBody } from '../replies/schemas.ts'
import { sseHeaders, sseStream } from '../replies/sse.ts'
import { drawTrace, leftOut, startBriefTrace, untraced, type RequestTrace } from '../edge/request-trace.ts'
import { answerJson, answerText, questionOf, type AnswerText, type AnswerView } from '../replies/wire.ts'

export interface AskRouteOptions extends RunSettings {
  readonly ask: Ask
  /** An answer that is at hand; undefined: it must be asked for. */
  readonly recall: (question: Question, wishes: CacheDirectives) => Answer | undefined
  /** One that is not far; undefined at once: it must be asked for. */
  readonly reach?: (question: Question, wishes: CacheDirectives) => Promise<Answer | undefined> | undefined
  readonly metrics: {
    answered(answer: Answer, seconds: number, of: RequestFacts): void
    failed(code: string, of: RequestFacts): void
    /** Of a question that was not simply remembered, when it is over. */
    heard?(heard: ObservedQuestion): void
  }
}

type AskRequest = FastifyRequest<{ Body: AskBody }>

/** POST /ask: JSON, or server-sent events with `stream: true` or `Accept: text/event-stream`. */
export function registerAsk(app: FastifyInstance, options: AskRouteOptions): void {
  app.post<{ Body: AskBody }>(
    '/ask',
    { schema: { body: AskBody }, config: { needs: 'ask', tellsItself: true } },
    (request, reply) => {
      const wishes = readCacheDirectives(request.headers['cache-control'])
      const priority = priorityOf(request.headers['x-priority'], request.apiKey)
      const question = questionOf(request.body, request.apiKey)
      const isStreamed = wantsStream(request)
      const known = isStreamed ? undefined : options.recall(question, wishes)
      if (known)
        return void sendKnown(request, reply, known, { priority, trace: startBriefTrace(request, reply) }, options)
      const root = isStreamed ? undefined : drawTrace(request)
      const asked: Asked = { question, wishes, priority, isStreamed, root: root === 'left out' ? leftOut() : root }
      const coming = root === 'left out' && isPatient(request) ? options.reach?.(question, wishes) : undefined
      return coming ? giveReached(request, reply, coming, asked, options) : askAnew(request, reply, asked, options)
    },
  )
}

type Asked = RunForm & Pick<Known, 'priority'> & { readonly question: Question }

/** A look into Redis knows nothing of a question's own time; it takes 50 ms at the most, if not set otherwise. */
function isPatient({ body }: AskRequest): boolean {
  return (body.timeout_ms ?? Infinity) >= 1000
}

async function giveReached(
  request: AskRequest,
  reply: FastifyReply,
  coming: Promise<Answer | undefined>,
  asked: Asked,
  options: AskRouteOptions,
) {
  const startedAt = performance.now()
  const answer = await coming
  // Of who has left meanwhile the run tells.
  if (!answer || reply.raw.closed) return await askAnew(request, reply, asked, options)
  sendKnown(
    request,
    reply,
    answer,
    { priority: asked.priority, trace: untraced, stages: { remember: toTenth(performance.now() - startedAt) } },
    options,
  )
}

function askAnew(request: AskRequest, reply: FastifyReply, { question, ...form }: Asked, options: AskRouteOptions) {
  const begun = startAsk(request, reply, options, form)
  const view = (): AnswerView => ({ id: request.id, include: request.body.include ?? [], timings: begun.timings() })
  const events = begun.trace.follow(observed(options.ask(question, begun.run), question, begun, options.metrics))
  return begun.run.isStreamed ? sendStream(reply, events, view) : sendJson(reply, events, view)
}

function wantsStream(request: AskRequest): boolean {
  const accept = request.headers.accept ?? ''
  return request.body.stream ?? (accept.includes('text/event-stream') && !accept.includes('application/json'))
}

interface Known {
  readonly priority: Priority
  readonly trace: RequestTrace
  /** What finding it took, where it was not at hand. */
  readonly stages?: Readonly<Record<string, number>>
}

/** The shortest way out: no run, no deadline, no generator; a span, a line and the metrics as for any other answer. */
function sendKnown(
  request: AskRequest,
  reply: FastifyReply,
  answer: Answer,
  { priority, trace, stages }: Known,
  { metrics, logQuestions = false }: AskRouteOptions,
): void {
  const ms = elapsedMs(request, reply)
  const ids = { reqId: request.id, ...namedKey(request), ...trace.ids }
  if (logQuestions) request.log.info({ ...ids, question: request.body.question }, 'asked')
  tell(
    answer,
    ms,
    stages ? { ...ids, stages } : ids,
    { log: request.log, trace, of: { priority, traceId: trace.traceId, steps: 0, isOverdue: false } },
    metrics,
  )
  trace.end()
  const total = toTenth(ms)
  const timings = stages ? { ...stages, total } : { total }
  const { status, age } = answer.cache
  const timing = `cache;desc=${status}, ${stages ? serverTiming(timings) : `total;dur=${total}`}`
  sendText(reply, age, timing, answerText(answer, { id: request.id, include: request.body.include ?? [], timings }))
}

/**
 * Not by Fastify's `send`: that leaves it to Node to encode UTF-8, which for plain ASCII costs as much as all the rest of a
 * send. Nor its `header`, four times: that took half a microsecond.
 */
function sendText(reply: FastifyReply, age: number | undefined, timing: string, { text, isAscii }: AnswerText): void {
  const headers = reply.getHeaders() as OutgoingHttpHeaders
  if (age !== undefined) headers['age'] = String(age)
  headers['server-timing'] = timing
  headers['content-type'] = 'application/json; charset=utf-8'
  headers['content-length'] = isAscii ? text.length : Buffer.byteLength(text)
  reply
    .hijack()
    .raw.writeHead(200, headers)
    .end(text, isAscii ? 'latin1' : 'utf8')
}

async function sendJson(reply: FastifyReply, events: AsyncGenerator<AskEvent>, view: () => AnswerView) {
  const answer = await lastAnswer(events)
  const shown = view()
  return aged(reply, answer.cache)
    .header('server-timing', serverTiming(shown.timings, `cache;desc=${answer.cache.status}`))
    .send(answerJson(answer, shown))
}

/** The first event is awaited before the head is sent, so that a question that fails at once gets its status. */
async function sendStream(reply: FastifyReply, events: AsyncGenerator<AskEvent>, view: () => AnswerView) {
  const first = await events.next()
  const cache: CacheNote = (!first.done && first.value.type === 'passages' && first.value.cache) || { status: 'miss' }
  const timing = serverTiming(view().timings, `cache;desc=${cache.status}`)
  return aged(reply, cache)
    .headers(sseHeaders)
    .header('server-timing', timing)
    .send(sseStream(first, events, view))
}

/** RFC 9111: of an answer from a cache, the seconds since it was made. */
function aged(reply: FastifyReply, { age }: CacheNote): FastifyReply {
  return age === undefined ? reply : reply.header('age', age)
}

async function lastAnswer(events: AsyncGenerator<AskEvent>): Promise<Answer> {
  for await (const event of events) if (event.type === 'done') return event.answer
  throw new AskError('internal', { detail: 'the pipeline ended without an answer' })
}

/** Tells metrics, the log and the trace how it went, whichever form the reply takes. */
async function* observed(
  events: AsyncGenerator<AskEvent>,
  question: Question,
  begun: AskContext,
  metrics: AskRouteOptions['metrics'],
): AsyncGenerator<AskEvent, void, undefined> {
  const { log, trace } = begun
  // What stands when the reader of a stream leaves between two events: then nothing is thrown.
  let failure: string | null = 'cancelled'
  let answer: Answer | null = null
  try {
    for await (const event of events) {
      if (event.type === 'done') {
        failure = null
        answer = event.answer
        tell(event.answer, begun.elapsedMs(), { stages: begun.stages() }, { log, trace, of: begun.facts() }, metrics)
      }
      yield event
    }
  } catch (error) {
    failure = error instanceof AskError ? error.code : 'internal'
    throw withReached(error, begun)
  } finally {
    if (failure !== null) {
      metrics.failed(failure, begun.facts())
      tellUnanswered(failure, begun)
    }
    if (!isRemembered(answer)) metrics.heard?.(heardOf(question, answer, begun))
  }
}

/** Of a stream the head says 200 by then, and of who left no reply is logged: only this says what became of it. */
function tellUnanswered(code: string, begun: AskContext): void {
  const note = begun.failed(code)
  if (begun.run.isStreamed || code === 'cancelled')
    begun.log[isOurs(code) ? 'warn' : 'info']({ ...note, ms: Math.round(begun.elapsedMs()) }, 'not answered')
}

/** No doing of the one who asks. */
function isOurs(code: string): boolean {
  return code !== 'cancelled' && (!(code in errorTable) || errorTable[code as ErrorCode].status >= 500)
}

/** What it took says nothing of its question. */
function isRemembered(answer: Answer | null): boolean {
  return answer !== null && answer.cache.status !== 'miss' && answer.cache.status !== 'bypass'
}

function heardOf(
  question: Question,
  answer: Answer | null,
  { elapsedMs: ms, timings, trace }: AskContext,
): ObservedQuestion {
  const traceId = trace.ids.trace_id
  return {
    question,
    mode: answer?.mode ?? null,
    language: answer?.language ?? null,
    ms: ms(),
    timings: timings(),
    ...(traceId !== undefined && { traceId }),
  }
}

interface Told {
  readonly log: AskContext['log']
  readonly trace: RequestTrace
  readonly of: RequestFacts
}

function tell(
  answer: Answer,
  ms: number,
  ids: object,
  { log, trace, of }: Told,
  metrics: AskRouteOptions['metrics'],
): void {
  const { mode, generator, abstained, degraded, cache, usage } = answer
  metrics.answered(answer, ms / 1000, of)
  const line = { ...ids, mode, generator, abstained, cache: cache.status, ms: Math.round(ms) }
  // Lists and objects are what a line costs most by: most answers from the cache have nothing to say in these.
  log.info(usage.llmCalls === 0 && degraded.length === 0 ? line : { ...line, degraded, usage }, 'answered')
  trace.note({
    'askwell.mode': mode,
    'askwell.generator': generator,
    'askwell.abstained': abstained,
    'askwell.degraded': [...degraded],
    'askwell.cache': cache.status,
  })
}
