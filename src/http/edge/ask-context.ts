import type { Context } from '@opentelemetry/api'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { CacheDirectives, Explanation, RequestFacts, Run, StageName } from '../../ask/terms.ts'
import type { Priority } from '../../priority.ts'
import { elapsedMs } from './accept-time.ts'
import { isAskError } from '../../errors.ts'
import { disconnectSignal } from './hangup.ts'
import { namedKey } from './auth.ts'
import { noteFailure, type FailureNote } from './request-log.ts'
import { startTrace, type FollowedTrace } from './request-trace.ts'

export interface RunSettings {
  /** Default and maximum time for a question. */
  readonly timeoutMs: number
  /** Write question texts to the log; false by default. */
  readonly logQuestions?: boolean
}

/** Everything a route that answers questions needs for one request. */
export interface AskContext {
  readonly run: Run
  readonly trace: FollowedTrace
  /** Filled by the run; undefined unless the body includes `explain`. */
  readonly explanation: Partial<Explanation> | undefined
  readonly log: FastifyBaseLogger
  /** Milliseconds since the request arrived; see accept-time.ts. */
  elapsedMs(): number
  /** Duration of each stage so far, and `total`, in milliseconds with one decimal. */
  timings(): Record<string, number>
  facts(): RequestFacts
  /** Duration of each stage so far, without `total`, for the log. */
  stages(): Record<string, number>
  /** Records why the request failed, for its log line, and returns the note. */
  failed(code: string): FailureNote
}

interface QuestionBody {
  readonly question: string
  readonly timeout_ms?: number
  readonly include?: readonly string[]
}

type QuestionRequest = FastifyRequest<{ Body: QuestionBody }>

/** Whether the body includes `explain`. Throws if the caller may not have an explanation. */
export function wantsExplanation(request: QuestionRequest): boolean {
  if (request.body.include?.includes('explain') !== true) return false
  request.server.requireScope('explain', request)
  return true
}

export interface RunOptions {
  readonly isStreamed?: boolean
  readonly cacheDirectives?: CacheDirectives
  readonly priority?: Priority
  /** Root context of the trace, if sampling was already decided. */
  readonly root?: Context | undefined
}

/** Stages that call a model; `understand` is reported once per call. */
const modelStages: ReadonlySet<StageName> = new Set<StageName>(['understand', 'rerank', 'generate'])

/** Starts a run. Its deadline counts from the arrival of the request, so the wait before the handler is included. */
export function startAsk(
  request: QuestionRequest,
  reply: FastifyReply,
  { timeoutMs, logQuestions = false }: RunSettings,
  { isStreamed = false, cacheDirectives = {}, priority = 'interactive', root }: RunOptions = {},
): AskContext {
  const explanation: Partial<Explanation> | undefined = wantsExplanation(request) ? {} : undefined
  const startedAt = performance.now() - elapsedMs(request, reply)
  const stages: Partial<Record<StageName, number>> = {}
  let failedStage: StageName | undefined
  const trace = startTrace(request, reply, root)
  const facts = { priority, traceId: trace.traceId, steps: 0, isOverdue: false }
  const log = request.log.child({ reqId: request.id, ...namedKey(request), ...trace.ids })
  // Fastify logs the end or failure of a request through the reply.
  request.log = reply.log = log
  if (logQuestions) log.info({ question: request.body.question }, 'asked')
  const sinceStart = () => performance.now() - startedAt
  const run: Run = {
    id: request.id,
    signal: disconnectSignal(request, reply),
    deadline: startedAt + Math.min(request.body.timeout_ms ?? timeoutMs, timeoutMs),
    log,
    isStreamed,
    priority,
    cacheDirectives,
    onStage(name, ms, outcome) {
      stages[name] = (stages[name] ?? 0) + ms
      if (modelStages.has(name)) facts.steps++
      if (outcome === 'deadline') facts.isOverdue = true
      if (outcome !== 'ok') failedStage = name
    },
    ...(explanation && { explain: part => void Object.assign(explanation, part) }),
  }
  function failed(code: string): FailureNote {
    const note = { code, ...(failedStage !== undefined && { stage: failedStage }), stages: rounded(stages) }
    noteFailure(request, note)
    return note
  }
  return {
    run,
    trace,
    explanation,
    log,
    elapsedMs: sinceStart,
    timings: () => rounded({ ...stages, total: sinceStart() }),
    facts: () => facts,
    stages: () => rounded(stages),
    failed,
  }
}

/** Adds the timings of each stage to a timeout, for the reply; returns other errors unchanged. */
export function withTimings(error: unknown, { timings }: AskContext): unknown {
  return isAskError(error, 'deadline_exceeded') ? error.with({ timings: timings() }) : error
}

function rounded(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, toTenth(ms)]))
}

export function toTenth(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** Formats a W3C Server-Timing header, with `notes` first. */
export function serverTiming(timings: Readonly<Record<string, number>>, ...notes: readonly string[]): string {
  return [...notes, ...Object.entries(timings).map(([name, ms]) => `${name};dur=${ms}`)].join(', ')
}
