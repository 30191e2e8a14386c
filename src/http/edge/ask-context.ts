import type { Context } from '@opentelemetry/api'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { CacheDirectives, RequestFacts, Run, StageName } from '../../ask/terms.ts'
import type { Priority } from '../../priority.ts'
import { elapsedMs } from './accept-time.ts'
import { isAskError } from '../../errors.ts'
import { disconnectSignal } from './hangup.ts'
import { namedKey } from './auth.ts'
import { noteFailure, type FailureNote } from './request-log.ts'
import { startTrace, type FollowedTrace } from './request-trace.ts'

export interface RunSettings {
  /** Default and cap of a question's time. */
  readonly timeoutMs: number
  /** Write questions into the log; by default not. */
  readonly logQuestions?: boolean
}

/** What a route that takes a question has in hand when it begins. */
export interface AskContext {
  readonly run: Run
  readonly trace: FollowedTrace
  readonly log: FastifyBaseLogger
  /** Milliseconds since the request came: see accepted.ts. */
  elapsedMs(): number
  /** What each stage took so far, and `total`; in milliseconds, to a tenth. */
  timings(): Record<string, number>
  facts(): RequestFacts
  /** The same without `total`, for the log. */
  stages(): Record<string, number>
  /** Notes for the request's line what it failed by; gives the note. */
  failed(code: string): FailureNote
}

type Asking = FastifyRequest<{ Body: { readonly question: string; readonly timeout_ms?: number } }>

export interface RunForm {
  readonly isStreamed?: boolean
  readonly wishes?: CacheDirectives
  readonly priority?: Priority
  /** Where its trace begins, when that was drawn already. */
  readonly root?: Context | undefined
}

/** `understand` once for each thing that it asked a model. */
const modelSteps: ReadonlySet<StageName> = new Set<StageName>(['understand', 'rerank', 'generate'])

/** The time counts from the socket: what a request waited before its handler is part of it. */
export function startAsk(
  request: Asking,
  reply: FastifyReply,
  { timeoutMs, logQuestions = false }: RunSettings,
  { isStreamed = false, wishes = {}, priority = 'interactive', root }: RunForm = {},
): AskContext {
  const startedAt = performance.now() - elapsedMs(request, reply)
  const stages: Partial<Record<StageName, number>> = {}
  let failedStage: StageName | undefined
  const trace = startTrace(request, reply, root)
  const of = { priority, traceId: trace.traceId, steps: 0, isOverdue: false }
  const log = request.log.child({ reqId: request.id, ...namedKey(request), ...trace.ids })
  // The line that says that the request is over or failed is written through the reply's.
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
    cacheDirectives: wishes,
    onStage(name, ms, outcome) {
      stages[name] = (stages[name] ?? 0) + ms
      if (modelSteps.has(name)) of.steps++
      if (outcome === 'deadline') of.isOverdue = true
      if (outcome !== 'ok') failedStage = name
    },
  }
  function failed(code: string): FailureNote {
    const note = { code, ...(failedStage !== undefined && { stage: failedStage }), stages: rounded(stages) }
    noteFailure(request, note)
    return note
  }
  return {
    run,
    trace,
    log,
    elapsedMs: sinceStart,
    timings: () => rounded({ ...stages, total: sinceStart() }),
    facts: () => of,
    stages: () => rounded(stages),
    failed,
  }
}

/** A failure as the caller is told it: of one that ran out of time, how far it got. */
export function withReached(error: unknown, { timings }: AskContext): unknown {
  return isAskError(error, 'deadline_exceeded') ? error.with({ timings: timings() }) : error
}

function rounded(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, toTenth(ms)]))
}

export function toTenth(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** W3C Server Timing; `notes` first. */
export function serverTiming(timings: Readonly<Record<string, number>>, ...notes: readonly string[]): string {
  return [...notes, ...Object.entries(timings).map(([name, ms]) => `${name};dur=${ms}`)].join(', ')
}
