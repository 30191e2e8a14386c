import { context, SpanKind, SpanStatusCode, trace, type Span, type Tracer } from '@opentelemetry/api'
import { isAskError } from '../errors.ts'
import type { Events } from '../events.ts'
import { startDeadline, systemClock, type Clock } from '../resilience/deadline.ts'
import { traceIdOf } from '../tracing/trace-id.ts'
import type { Outcome, Run, StageName } from './terms/run.ts'

export interface StageSettings {
  readonly tracer: Tracer
  readonly events: Pick<Events, 'stageEnded' | 'stageStreamed'>
  readonly clock?: Clock
}

/** A stage that is already over. */
export interface PastStage {
  readonly ms: number
  readonly outcome: Outcome
  readonly failure?: unknown
}

export type Stage<Input, Output> = (input: Input, run: Run) => Promise<Output>
export type StreamStage<Input, Output> = (input: Input, run: Run) => AsyncGenerator<Output, void, undefined>

/**
 * The two wrappers give every stage a span `ask.<name>`, an observation in the stage histogram and its share of the
 * deadline, so that stages contain no timing, tracing or metric code.
 *
 * The work is both raced and aborted: the race settles the promise when the work ignores its signal, the abort frees
 * the work. `budgetMs` can shorten the time left but never extend it. With no time left the work does not start.
 */
export function createStages({ tracer, events, clock = systemClock }: StageSettings) {
  function open(name: StageName, budgetMs: number, run: Run) {
    const startedAt = clock.now()
    const span = tracer.startSpan(`ask.${name}`, { kind: SpanKind.INTERNAL })
    const deadline = Math.min(startedAt + budgetMs, run.deadline)
    const limit = startDeadline(name, deadline - startedAt, run.signal, clock)
    const end = (outcome: Outcome, error?: unknown) => {
      limit.stop()
      markOutcome(span, outcome, error)
      const ms = clock.now() - startedAt
      events.stageEnded(name, outcome, ms / 1000, traceIdOf(span))
      run.onStage(name, ms, outcome)
      span.end()
    }
    const active = trace.setSpan(context.active(), span)
    const bounded = { ...run, signal: limit.signal, deadline }
    return { span, startedAt, limit, end, active, bounded }
  }

  function stage<Input, Output>(
    name: StageName,
    budgetMs: number,
    work: (input: Input, run: Run) => Promise<Output>,
  ): Stage<Input, Output> {
    return async (input, run) => {
      const { limit, end, active, bounded } = open(name, budgetMs, run)
      try {
        limit.signal.throwIfAborted()
        const output = await context.with(active, () => Promise.race([work(input, bounded), limit.expired]))
        end('ok')
        return output
      } catch (error) {
        end(outcomeOf(error, run), error)
        throw inStage(name, error)
      }
    }
  }

  /** The streaming form: its span ends when the *iterator* ends, throws or is returned, not when it is created. */
  function streamStage<Input, Output>(
    name: StageName,
    budgetMs: number,
    work: (input: Input, run: Run) => AsyncIterable<Output>,
  ): StreamStage<Input, Output> {
    return async function* (input, run) {
      const { span, startedAt, limit, end, active, bounded } = open(name, budgetMs, run)
      let iterator: AsyncIterator<Output> | undefined
      let outcome: Outcome = 'cancelled' // stays when the consumer returns early
      let failure: unknown
      let isFirst = true
      try {
        limit.signal.throwIfAborted()
        const source = context.with(active, () => work(input, bounded)[Symbol.asyncIterator]())
        iterator = source
        for (;;) {
          const next = await context.with(active, () => Promise.race([source.next(), limit.expired]))
          if (next.done) break
          if (isFirst) events.stageStreamed(name, (clock.now() - startedAt) / 1000, traceIdOf(span))
          isFirst = false
          yield next.value
        }
        outcome = 'ok'
        iterator = undefined
      } catch (error) {
        outcome = outcomeOf(error, run)
        failure = error
        throw inStage(name, error)
      } finally {
        end(outcome, failure)
        // Not awaited: a source that ignores its signal must not delay a consumer that has left.
        void Promise.resolve(iterator?.return?.()).catch(() => {})
      }
    }
  }

  /** Records a stage after the fact: waiting for admission, which most runs do not have to do. */
  function record(name: StageName, { ms, outcome, failure }: PastStage, run: Run): void {
    const span = tracer.startSpan(`ask.${name}`, { kind: SpanKind.INTERNAL, startTime: Date.now() - ms })
    markOutcome(span, outcome, failure)
    events.stageEnded(name, outcome, ms / 1000)
    run.onStage(name, ms, outcome)
    span.end()
  }

  return { stage, streamStage, record }
}

/** The stage waits for another server: meanwhile its run does not count as work of this machine. */
export function remotely<Input, Output>(stage: Stage<Input, Output>): Stage<Input, Output> {
  return async (input, run) => await (run.away ? run.away(() => stage(input, run)) : stage(input, run))
}

export type Stages = ReturnType<typeof createStages>

/** Adds the stage that timed out. Everyone waiting sees it, including callers that joined a run another one started. */
function inStage(name: StageName, error: unknown): unknown {
  return isAskError(error, 'deadline_exceeded') && error.stage === undefined ? error.with({ stage: name }) : error
}

function outcomeOf(error: unknown, run: Run): Outcome {
  if (isAskError(error, 'deadline_exceeded')) return 'deadline'
  return run.signal.aborted ? 'cancelled' : 'error'
}

function markOutcome(span: Span, outcome: Outcome, error: unknown): void {
  span.setAttribute('askwell.outcome', outcome)
  if (outcome === 'ok' || outcome === 'cancelled') return
  const type = isAskError(error) ? error.code : error instanceof Error ? error.name : 'unknown'
  span.setAttribute('error.type', type)
  span.setStatus({ code: SpanStatusCode.ERROR, message: type })
}
