import type { Context } from '@opentelemetry/api'
import type { AdmissionTerms } from '../ask/admission.ts'
import type { SearchPassages } from '../ask/search.ts'
import type { Answer, AskEvent } from '../ask/terms/answer.ts'
import type { CacheDirectives } from '../ask/terms/caching.ts'
import type { SearchResult } from '../ask/terms/evidence.ts'
import type { Question } from '../ask/terms/question.ts'
import type { Ask, Explanation } from '../ask/terms/run.ts'
import { AskError, isAskError } from '../errors.ts'
import type { AskForm } from './asking/form.ts'
import { createReports, type OutcomeEvents, type Reports } from './asking/observe.ts'
import { admissionTermsOf, startRun, toTenth, type AskRun, type RunSettings } from './asking/run.ts'
import { sampleTrace, unsampledRoot } from './asking/trace.ts'

export interface AskingOptions extends RunSettings {
  readonly ask: Ask
  /** Returns an answer from memory, or undefined when the question needs a run. */
  readonly getCached: (question: Question, directives: CacheDirectives) => Answer | undefined
  /** Looks up an answer in Redis. Undefined, at once or later, when the question needs a run. */
  readonly getShared?: (question: Question, directives: CacheDirectives) => Promise<Answer | undefined> | undefined
  /** What a run of this question would be rejected with at once. */
  readonly rejection?: (question: Question, directives: CacheDirectives, terms: AdmissionTerms) => AskError | undefined
  readonly search: SearchPassages
  readonly events: OutcomeEvents
}

/** Duration of each stage, and `total`, in milliseconds with one decimal. */
type Timings = Readonly<Record<string, number>>

/** An answer from memory (`known`) or from Redis (`shared`), already reported. */
export interface CachedResult {
  readonly kind: 'known' | 'shared'
  readonly answer: Answer
  /** For a known answer, only `total`. */
  readonly timings: Timings
}

/** A run, reported when it ends. Read `events` to their end, or close them. */
export interface RunResult {
  readonly kind: 'run'
  readonly events: AsyncGenerator<AskEvent, void, undefined>
  /** The durations so far. */
  timings(): Timings
  /** Complete when the events have ended; undefined unless the caller asked for it. */
  readonly explanation: Partial<Explanation> | undefined
}

export interface FoundPassages {
  readonly result: SearchResult
  readonly timings: Timings
  readonly explanation: Partial<Explanation> | undefined
}

export type AskResult = CachedResult | RunResult

/**
 * The one way in for questions. Every endpoint and protocol that answers questions asks here and presents what it gets:
 * presenters know nothing of metrics, logs and traces, and this knows nothing of their replies.
 */
export interface Asking {
  /**
   * Returns an answer from memory without a promise: even one would make every cached answer slower. Throws `overloaded`
   * without a run where that is known: a rejection must cost little.
   */
  ask(question: Question, form: AskForm): AskResult | Promise<AskResult>
  /** Finds passages without an answer. */
  search(question: Question, form: AskForm): Promise<FoundPassages>
}

export function createAsking({
  ask,
  getCached,
  getShared,
  rejection,
  search,
  events,
  ...settings
}: AskingOptions): Asking {
  const reports = createReports(events, settings)

  function start(question: Question, form: AskForm, root?: Context, answered: Ask = ask): RunResult {
    const started = startRun(question, form, { ...settings, operation: 'ask', root })
    const { run, timings, explanation } = started
    return { kind: 'run', events: observed(answered(question, run), started, reports), timings, explanation }
  }

  function startOrReject(question: Question, form: AskForm): RunResult {
    const rejected = rejection?.(question, form.cacheDirectives, admissionTermsOf(question, form, settings))
    if (!rejected) return start(question, form, unsampledRoot())
    reports.rejected(rejected, question, form)
    throw rejected
  }

  async function sharedOrRun(
    question: Question,
    form: AskForm,
    shared: Promise<Answer | undefined>,
  ): Promise<AskResult> {
    const startedAt = performance.now()
    const answer = await shared
    if (!answer) return startOrReject(question, form)
    if (form.connect().hasLeft()) return start(question, form, unsampledRoot(), cancelledRun)
    const stages = { remember: toTenth(performance.now() - startedAt) }
    return { kind: 'shared', answer, timings: reports.cached(question, answer, form, stages) }
  }

  return {
    ask(question, form) {
      if (form.isStreamed || form.isExplained) return start(question, form)
      const known = getCached(question, form.cacheDirectives)
      if (known) return { kind: 'known', answer: known, timings: reports.cached(question, known, form) }
      const root = sampleTrace(form)
      if (root !== 'unsampled') return start(question, form, root)
      // An expired answer in Redis would be better than a rejection, so without this look none is foreseen.
      if (!hasTimeForRedis(form)) return start(question, form, unsampledRoot())
      const shared = getShared?.(question, form.cacheDirectives)
      return shared ? sharedOrRun(question, form, shared) : startOrReject(question, form)
    },
    async search(question, form) {
      const started = startRun(question, form, { ...settings, operation: 'search' })
      try {
        const result = await started.trace.within(() => search(question, started.run))
        reports.searched(result, started)
        started.trace.end()
        return { result, timings: started.timings(), explanation: started.explanation }
      } catch (error) {
        reports.failed(error, started, false)
        throw withTimings(error, started)
      }
    },
  }
}

/** Takes the place of the pipeline for a caller that has left: nothing is done, and it is reported as `cancelled`. */
async function* cancelledRun(): AsyncGenerator<AskEvent, void, undefined> {
  yield* []
  throw new AskError('cancelled')
}

/** The Redis lookup ignores the question's own timeout, so a short one skips it. By default it takes at most 50 ms. */
function hasTimeForRedis({ timeoutMs = Infinity }: AskForm): boolean {
  return timeoutMs >= 1000
}

/**
 * Passes the events on and reports the outcome once, even if the reader leaves between two events. Each step of the
 * pipeline runs inside the request's span, so the spans of the stages become its children no matter what reads the
 * events: the handler or later the socket.
 */
async function* observed(
  events: AsyncGenerator<AskEvent, void, undefined>,
  started: AskRun,
  reports: Reports,
): AsyncGenerator<AskEvent, void, undefined> {
  const { form, trace } = started
  const read = () => events.next()
  const close = () => events.return(undefined)
  let [hasReplied, isAnswered] = [false, false]
  let failure: unknown
  try {
    for (;;) {
      const next = await trace.within(read)
      if (next.done) break
      if (next.value.type === 'done') {
        isAnswered = true
        reports.answered(next.value.answer, started)
      }
      hasReplied = form.isStreamed
      yield next.value
    }
    if (!isAnswered) throw new AskError('internal', { detail: 'The pipeline ended without an answer.' })
  } catch (error) {
    failure = error
    throw withTimings(error, started)
  } finally {
    // Nothing is thrown if the reader leaves between two events.
    try {
      await trace.within(close)
    } finally {
      if (isAnswered) trace.end()
      else reports.failed(failure ?? new AskError('cancelled'), started, hasReplied)
    }
  }
}

/** Adds the timings of each stage to a timeout, for the reply; returns other errors unchanged. */
function withTimings(error: unknown, { timings }: AskRun): unknown {
  return isAskError(error, 'deadline_exceeded') ? error.with({ timings: timings() }) : error
}
