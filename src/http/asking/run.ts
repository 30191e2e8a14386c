import type { Context } from '@opentelemetry/api'
import type { AdmissionTerms } from '../../ask/admission.ts'
import type { Question } from '../../ask/terms/question.ts'
import type { AskFacts, Explanation, Run, RunLog, StageName } from '../../ask/terms/run.ts'
import type { Payer } from '../../ask/terms/usage.ts'
import type { ErrorCode } from '../../errors.ts'
import { namedKey } from '../edge/auth.ts'
import type { FailureNote } from '../edge/request-log.ts'
import type { AskForm, Connection } from './form.ts'
import { startTrace, type RunTrace } from './trace.ts'

export interface RunSettings {
  /** Default and maximum time for a question. */
  readonly timeoutMs: number
  /** Write question texts to the log; false by default. */
  readonly logQuestions?: boolean
}

/** A question that is being answered, and what is known about it so far. */
export interface AskRun {
  readonly question: Question
  readonly form: AskForm
  readonly run: Run
  readonly trace: RunTrace
  /** Filled by the run; undefined unless the caller asked for it. */
  readonly explanation: Partial<Explanation> | undefined
  /** Lines have the ids of the question. */
  readonly log: RunLog
  facts(): AskFacts
  /** Duration of each stage so far, and `total`, in milliseconds with one decimal. */
  timings(): Record<string, number>
  /** Duration of each stage so far, without `total`, for the log. */
  stages(): Record<string, number>
  /** Passes on why the question failed, for the log line of its request, and returns it. */
  failureNote(code: ErrorCode): FailureNote
}

interface RunOptions extends RunSettings {
  readonly operation: AskFacts['operation']
  /** Root context of the trace, if sampling was already decided. */
  readonly root?: Context | undefined
}

/** Stages that call a language model or a reranker; `understand` is reported once per call. Embeddings do not count. */
const modelStages: ReadonlySet<StageName> = new Set<StageName>(['understand', 'rerank', 'generate'])

/** Starts a run. Its deadline counts from the arrival of the question, so the wait before the handler is included. */
export function startRun(
  question: Question,
  form: AskForm,
  { timeoutMs, logQuestions = false, operation, root }: RunOptions,
): AskRun {
  const { id, startedAt, isStreamed, cacheDirectives } = form
  const stages: Partial<Record<StageName, number>> = {}
  const explanation: Partial<Explanation> | undefined = form.isExplained ? {} : undefined
  let failedStage: StageName | undefined
  let [steps, isOverdue] = [0, false]
  const connection = form.connect()
  const trace = startTrace(form, connection, root)
  const log = connection.logWith({ reqId: id, ...namedKey(form), ...trace.ids })
  if (logQuestions) log.info({ question: question.text }, 'asked')
  const sinceStart = () => performance.now() - startedAt
  const run: Run = {
    id,
    signal: connection.signal(),
    ...admissionTermsOf(question, form, { timeoutMs }, connection),
    log,
    isStreamed,
    payer: payerOf(question, form),
    cacheDirectives,
    onStage(name, ms, outcome) {
      stages[name] = (stages[name] ?? 0) + ms
      if (modelStages.has(name)) steps++
      if (outcome === 'deadline') isOverdue = true
      if (outcome !== 'ok') failedStage = name
    },
    ...(explanation && { explain: part => void Object.assign(explanation, part) }),
  }
  const timings = (total = sinceStart()) => rounded({ ...stages, total })
  function facts(): AskFacts {
    const ms = sinceStart()
    const { traceId, ids } = trace
    return {
      operation,
      id,
      key: form.apiKey?.name,
      priority: form.priority,
      traceId,
      loggedTraceId: ids.trace_id,
      steps,
      isOverdue,
      ms,
      timings: timings(ms),
    }
  }
  function failureNote(code: ErrorCode): FailureNote {
    const note = { code, ...(failedStage !== undefined && { stage: failedStage }), stages: rounded(stages) }
    connection.noteFailure(note)
    return note
  }
  return { question, form, run, trace, explanation, log, facts, timings, stages: () => rounded(stages), failureNote }
}

/** `connection` saves asking for it again. */
export function admissionTermsOf(
  question: Question,
  form: AskForm,
  { timeoutMs }: Pick<RunSettings, 'timeoutMs'>,
  connection: Connection = form.connect(),
): Required<AdmissionTerms> {
  return {
    priority: form.priority,
    caller: callerOf(question, form, connection.address()),
    deadline: form.startedAt + Math.min(form.timeoutMs ?? timeoutMs, timeoutMs),
  }
}

/** Whose question it is, for taking turns: the tenant's, else the key's, else the address's. Each has names of its own. */
function callerOf({ tenant }: Question, { apiKey }: AskForm, address: string): string {
  if (tenant !== undefined) return `tenant:${tenant}`
  return apiKey ? `key:${apiKey.name}` : `address:${address}`
}

function payerOf({ collection }: Question, { apiKey }: AskForm): Payer {
  const { name, budget: limits } = apiKey ?? {}
  return { collection, ...(name !== undefined && limits && { key: { name, limits } }) }
}

function rounded(timings: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, toTenth(ms)]))
}

export function toTenth(ms: number): number {
  return Math.round(ms * 10) / 10
}
