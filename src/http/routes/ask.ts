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
  wantsExplanation,
  toTenth,
  withTimings,
  type AskContext,
  type RunOptions,
  type RunSettings,
} from '../edge/ask-context.ts'
import { readCacheDirectives } from '../edge/cache-control.ts'
import { namedKey } from '../edge/auth.ts'
import { priorityOf } from '../edge/priority.ts'
import { AskBody } from '../replies/schemas.ts'
import { sseHeaders, sseStream } from '../replies/sse.ts'
import { sampleTrace, unsampledRoot, startBriefTrace, untraced, type RequestTrace } from '../edge/request-trace.ts'
import { answerJson, answerText, questionOf, type AnswerText, type AnswerView } from '../replies/wire.ts'

export interface AskRouteOptions extends RunSettings {
  readonly ask: Ask
  /** Returns an answer from memory, or undefined when the question needs a run. */
  readonly getCached: (question: Question, directives: CacheDirectives) => Answer | undefined
  /** Looks up an answer in Redis. Undefined, at once or later, when the question needs a run. */
  readonly getShared?: (question: Question, directives: CacheDirectives) => Promise<Answer | undefined> | undefined
  readonly metrics: {
    answered(answer: Answer, seconds: number, facts: RequestFacts): void
    failed(code: string, facts: RequestFacts): void
    /** Called when a question that was not answered from a cache is over. */
    observe?(question: ObservedQuestion): void
  }
}

type AskRequest = FastifyRequest<{ Body: AskBody }>

/** POST /ask: JSON, or server-sent events with `stream: true` or `Accept: text/event-stream`. */
export function registerAsk(app: FastifyInstance, options: AskRouteOptions): void {
  app.post<{ Body: AskBody }>(
    '/ask',
    { schema: { body: AskBody }, config: { needs: 'ask', logsItself: true } },
    (request, reply) => {
      const cacheDirectives = readCacheDirectives(request.headers['cache-control'])
      const priority = priorityOf(request.headers['x-priority'], request.apiKey)
      const question = questionOf(request.body, request.apiKey)
      const isStreamed = wantsStream(request)
      const needsRun = wantsExplanation(request) || isStreamed
      const cached = needsRun ? undefined : options.getCached(question, cacheDirectives)
      if (cached)
        return void sendCached(request, reply, cached, {
          priority,
          trace: startBriefTrace(request, reply),
          options,
        })
      const root = needsRun ? undefined : sampleTrace(request)
      const fresh: FreshRun = {
        question,
        cacheDirectives,
        priority,
        isStreamed,
        root: root === 'unsampled' ? unsampledRoot() : root,
        options,
      }
      const shared =
        root === 'unsampled' && hasTimeForRedis(request) ? options.getShared?.(question, cacheDirectives) : undefined
      return shared ? sendShared(request, reply, shared, fresh) : startFresh(request, reply, fresh)
    },
  )
}

interface FreshRun extends RunOptions {
  readonly question: Question
  readonly priority: Priority
  readonly options: AskRouteOptions
}

/** The Redis lookup ignores the question's own timeout, so a short one skips it. By default it takes at most 50 ms. */
function hasTimeForRedis({ body }: AskRequest): boolean {
  return (body.timeout_ms ?? Infinity) >= 1000
}

async function sendShared(
  request: AskRequest,
  reply: FastifyReply,
  shared: Promise<Answer | undefined>,
  fresh: FreshRun,
) {
  const startedAt = performance.now()
  const answer = await shared
  // If the client has already disconnected, the run reports it.
  if (!answer || reply.raw.closed) return await startFresh(request, reply, fresh)
  const { priority, options } = fresh
  const stages = { remember: toTenth(performance.now() - startedAt) }
  sendCached(request, reply, answer, { priority, trace: untraced, stages, options })
}

function startFresh(request: AskRequest, reply: FastifyReply, { question, options, ...runOptions }: FreshRun) {
  const context = startAsk(request, reply, options, runOptions)
  const { explanation } = context
  const view = (): AnswerView => ({
    id: request.id,
    include: request.body.include ?? [],
    timings: context.timings(),
    explanation,
  })
  const events = context.trace.follow(observed(options.ask(question, context.run), question, context, options.metrics))
  return context.run.isStreamed ? sendStream(reply, events, view) : sendJson(reply, events, view)
}

function wantsStream(request: AskRequest): boolean {
  const accept = request.headers.accept ?? ''
  return request.body.stream ?? (accept.includes('text/event-stream') && !accept.includes('application/json'))
}

interface CachedReply {
  readonly priority: Priority
  readonly trace: RequestTrace
  /** Duration of the lookup, if the answer was not in memory. */
  readonly stages?: Readonly<Record<string, number>>
  readonly options: AskRouteOptions
}

/** Fast path: no run, deadline or generator, but the same span, log line and metrics as for any other answer. */
function sendCached(
  request: AskRequest,
  reply: FastifyReply,
  answer: Answer,
  { priority, trace, stages, options: { metrics, logQuestions = false } }: CachedReply,
): void {
  const ms = elapsedMs(request, reply)
  const ids = { reqId: request.id, ...namedKey(request), ...trace.ids }
  if (logQuestions) request.log.info({ ...ids, question: request.body.question }, 'asked')
  reportAnswered(answer, ms, stages ? { ...ids, stages } : ids, {
    log: request.log,
    trace,
    facts: { priority, traceId: trace.traceId, steps: 0, isOverdue: false },
    metrics,
  })
  trace.end()
  const total = toTenth(ms)
  const timings = stages ? { ...stages, total } : { total }
  const { status, age } = answer.cache
  const timing = `cache;desc=${status}, ${stages ? serverTiming(timings) : `total;dur=${total}`}`
  sendText(reply, age, timing, answerText(answer, { id: request.id, include: request.body.include ?? [], timings }))
}

/**
 * Bypasses Fastify's `send`, which leaves the UTF-8 encoding to Node: for plain ASCII that costs as much as the rest of
 * sending. Also bypasses `header`, because four calls of it took 0.5 µs.
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
  return withAge(reply, answer.cache)
    .header('server-timing', serverTiming(shown.timings, `cache;desc=${answer.cache.status}`))
    .send(answerJson(answer, shown))
}

/** Awaits the first event before sending the header, so that a question that fails at once gets its own status. */
async function sendStream(reply: FastifyReply, events: AsyncGenerator<AskEvent>, view: () => AnswerView) {
  const first = await events.next()
  const cache: CacheNote = (!first.done && first.value.type === 'passages' && first.value.cache) || { status: 'miss' }
  const timing = serverTiming(view().timings, `cache;desc=${cache.status}`)
  return withAge(reply, cache)
    .headers(sseHeaders)
    .header('server-timing', timing)
    .send(sseStream(first, events, view))
}

/** Sets `Age` on a cached answer: seconds since it was generated (RFC 9111). */
function withAge(reply: FastifyReply, { age }: CacheNote): FastifyReply {
  return age === undefined ? reply : reply.header('age', age)
}

async function lastAnswer(events: AsyncGenerator<AskEvent>): Promise<Answer> {
  for await (const event of events) if (event.type === 'done') return event.answer
  throw new AskError('internal', { detail: 'The pipeline ended without an answer.' })
}

/** Passes the events on and reports the outcome to metrics, the log and the trace, for JSON and streams alike. */
async function* observed(
  events: AsyncGenerator<AskEvent>,
  question: Question,
  context: AskContext,
  metrics: AskRouteOptions['metrics'],
): AsyncGenerator<AskEvent, void, undefined> {
  const { log, trace } = context
  // The outcome if the reader of a stream disconnects between two events: nothing is thrown then.
  let failure: string | null = 'cancelled'
  let answer: Answer | null = null
  try {
    for await (const event of events) {
      if (event.type === 'done') {
        failure = null
        answer = event.answer
        const outcome = { log, trace, facts: context.facts(), metrics }
        reportAnswered(event.answer, context.elapsedMs(), { stages: context.stages() }, outcome)
      }
      yield event
    }
  } catch (error) {
    failure = error instanceof AskError ? error.code : 'internal'
    throw withTimings(error, context)
  } finally {
    if (failure !== null) {
      metrics.failed(failure, context.facts())
      logUnanswered(failure, context)
    }
    if (!isFromCache(answer)) metrics.observe?.(observedQuestion(question, answer, context))
  }
}

/** Logs failures that no other line reports: of a stream that has sent status 200, or of a disconnected client. */
function logUnanswered(code: string, context: AskContext): void {
  const note = context.failed(code)
  if (context.run.isStreamed || code === 'cancelled')
    context.log[isServerFault(code) ? 'warn' : 'info']({ ...note, ms: Math.round(context.elapsedMs()) }, 'not answered')
}

function isServerFault(code: string): boolean {
  return code !== 'cancelled' && (!(code in errorTable) || errorTable[code as ErrorCode].status >= 500)
}

/** True for a cached answer, whose duration says nothing about its question. */
function isFromCache(answer: Answer | null): boolean {
  return answer !== null && answer.cache.status !== 'miss' && answer.cache.status !== 'bypass'
}

function observedQuestion(
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

interface Outcome {
  readonly log: AskContext['log']
  readonly trace: RequestTrace
  readonly facts: RequestFacts
  readonly metrics: AskRouteOptions['metrics']
}

function reportAnswered(answer: Answer, ms: number, ids: object, { log, trace, facts, metrics }: Outcome): void {
  const { mode, generator, abstained, degraded, cache, usage } = answer
  metrics.answered(answer, ms / 1000, facts)
  const line = { ...ids, mode, generator, abstained, cache: cache.status, ms: Math.round(ms) }
  // Lists and objects cost most in a log line, and for most cached answers these two are empty.
  log.info(usage.llmCalls === 0 && degraded.length === 0 ? line : { ...line, degraded, usage }, 'answered')
  trace.note({
    'askwell.mode': mode,
    'askwell.generator': generator,
    'askwell.abstained': abstained,
    'askwell.degraded': [...degraded],
    'askwell.cache': cache.status,
  })
}
