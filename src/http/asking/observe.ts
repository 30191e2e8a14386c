import type { Answer } from '../../ask/terms/answer.ts'
import type { SearchResult } from '../../ask/terms/evidence.ts'
import type { Question } from '../../ask/terms/question.ts'
import type { AskFacts, RunLog } from '../../ask/terms/run.ts'
import { answerAttributes } from '../../ask/workflow.ts'
import { errorTable, isAskError, type AskError, type ErrorCode } from '../../errors.ts'
import type { Events } from '../../events.ts'
import { namedKey } from '../edge/auth.ts'
import { noteReported } from '../edge/refusals.ts'
import type { AskForm } from './form.ts'
import { toTenth, type AskRun, type RunSettings } from './run.ts'
import { startBriefTrace, untraced } from './trace.ts'

type Timings = AskFacts['timings']

/** Exactly one of these is emitted for each question that was accepted. */
export type OutcomeEvents = Pick<Events, 'questionAnswered' | 'passagesFound' | 'questionFailed'>

export type Reports = ReturnType<typeof createReports>

/** The only place that reports outcomes: as events, to the log, the trace and the caller's connection. */
export function createReports(events: OutcomeEvents, { logQuestions = false }: RunSettings) {
  /**
   * Reports a cached answer and returns its timings. There is no run, but the same span, log line and metrics as for
   * any other answer. `stages` is set if the answer was not in memory.
   */
  function cached(question: Question, answer: Answer, form: AskForm, stages?: Timings): Timings {
    const { id, apiKey, priority, log } = form
    // Redis is read without a run only for a question that is not sampled.
    const trace = stages ? untraced : startBriefTrace(form)
    const ms = performance.now() - form.startedAt
    const total = toTenth(ms)
    const timings = stages ? { ...stages, total } : { total }
    const ids = { reqId: id, ...namedKey(form), ...trace.ids }
    if (logQuestions) log.info({ ...ids, question: question.text }, 'asked')
    events.questionAnswered(question, answer, {
      operation: 'ask',
      id,
      key: apiKey?.name,
      priority,
      traceId: trace.traceId,
      loggedTraceId: trace.ids.trace_id,
      steps: 0,
      isOverdue: false,
      ms,
      timings,
    })
    logAnswered(log, stages ? { ...ids, stages } : ids, answer, ms)
    if (trace.isRecording) trace.note(answerAttributes(answer))
    trace.end()
    return timings
  }

  function answered(answer: Answer, { question, facts, log, trace, stages }: AskRun): void {
    const reported = facts()
    events.questionAnswered(question, answer, reported)
    logAnswered(log, { stages: stages() }, answer, reported.ms)
    if (trace.isRecording) trace.note(answerAttributes(answer))
  }

  /** Reports a rejection without a run, of a question that is not traced. */
  function rejected(error: AskError, question: Question, { id, apiKey, priority, log, startedAt }: AskForm): void {
    noteReported(error)
    if (logQuestions) log.info({ reqId: id, ...namedKey({ apiKey }), question: question.text }, 'asked')
    const ms = performance.now() - startedAt
    events.questionFailed(question, error.code, {
      operation: 'ask',
      id,
      key: apiKey?.name,
      priority,
      loggedTraceId: undefined,
      steps: 0,
      isOverdue: false,
      ms,
      timings: { total: toTenth(ms) },
    })
  }

  function searched(result: SearchResult, { question, facts, log, trace, stages }: AskRun): void {
    const { mode, isRelevant, degraded, usage, passages } = result
    const reported = facts()
    events.passagesFound(question, result, reported)
    const ms = Math.round(reported.ms)
    log.info({ stages: stages(), mode, near: isRelevant, passages: passages.length, degraded, usage, ms }, 'searched')
    trace.note({ 'askwell.mode': mode, 'askwell.near': isRelevant, 'askwell.degraded': [...degraded] })
  }

  /**
   * The log gets a line only for a failure that no other line reports: of a stream that has sent its status, or of a
   * caller that has left.
   */
  function failed(error: unknown, { question, facts, log, trace, failureNote }: AskRun, hasReplied: boolean): void {
    const code = isAskError(error) ? error.code : 'internal'
    const reported = facts()
    events.questionFailed(question, code, reported)
    const note = failureNote(code)
    if (hasReplied || code === 'cancelled')
      log[isServerFault(code) ? 'warn' : 'info']({ ...note, ms: Math.round(reported.ms) }, 'not answered')
    trace.fail(error, hasReplied)
  }

  return { cached, answered, rejected, searched, failed }
}

function logAnswered(log: RunLog, ids: object, answer: Answer, ms: number): void {
  const { mode, generator, abstained, degraded, cache, usage, isTruncated } = answer
  const truncatedMark = isTruncated && { truncated: true }
  const line = { ...ids, mode, generator, abstained, ...truncatedMark, cache: cache.status, ms: Math.round(ms) }
  // Lists and objects cost most in a log line, and for most cached answers these two are empty.
  log.info(usage.llmCalls === 0 && degraded.length === 0 ? line : { ...line, degraded, usage }, 'answered')
}

function isServerFault(code: ErrorCode): boolean {
  return code !== 'cancelled' && errorTable[code].status >= 500
}
