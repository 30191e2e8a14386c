import {
  context,
  createContextKey,
  isSpanContextValid,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
} from '@opentelemetry/api'
import { genAi, ourselves } from './names.ts'
import { markFailed, recordingSpan } from './span.ts'

/** The items of a run, and its span context. Undefined when the span is not recorded. */
export interface Workflow<Item> extends AsyncIterable<Item> {
  readonly spanContext: SpanContext | undefined
}

const key = createContextKey('askwell workflow')

/** The span of the run that the current work is part of. */
export function workflowSpan(): Span | undefined {
  return context.active().getValue(key) as Span | undefined
}

export interface WorkflowOptions<Item> {
  readonly attributes?: Attributes
  /** Attributes of the whole run that an item reveals. */
  readonly noteOf: (item: Item) => Attributes | undefined
}

/**
 * Wraps a run in a span `invoke_workflow askwell`: one per run, however many requests wait for it. The span is a child
 * of the request that started the run, and may outlive it. Requests that join the run link to the span. Without a
 * request, as in a background refresh, it starts its own trace.
 */
export function inWorkflow<Item>(
  startRun: () => AsyncIterable<Item>,
  { attributes = {}, noteOf }: WorkflowOptions<Item>,
): Workflow<Item> {
  const parent = trace.getActiveSpan()
  if (parent && !parent.isRecording()) return untraced(startRun)
  const own = { [genAi.operation]: 'invoke_workflow', [genAi.workflow]: ourselves, ...attributes }
  const span = trace
    .getTracer('askwell')
    .startSpan(`invoke_workflow ${ourselves}`, { kind: SpanKind.INTERNAL, attributes: own })
  // Invalid only without a collector. An unsampled refresh keeps its span, so that its children are not sampled either.
  if (!isSpanContextValid(span.spanContext())) return untraced(startRun)
  const active = trace.setSpan(context.active(), span).setValue(key, span)
  const items = withNotes(span, stepsWithin(active, startRun), noteOf)
  return { spanContext: span.isRecording() ? span.spanContext() : undefined, [Symbol.asyncIterator]: () => items }
}

/** No wrapper around the items, because each layer costs an answer from Redis some microseconds. */
function untraced<Item>(startRun: () => AsyncIterable<Item>): Workflow<Item> {
  return { spanContext: undefined, [Symbol.asyncIterator]: () => startRun()[Symbol.asyncIterator]() }
}

async function* withNotes<Item>(
  span: Span,
  items: AsyncIterable<Item>,
  noteOf: WorkflowOptions<Item>['noteOf'],
): AsyncGenerator<Item, void, undefined> {
  try {
    for await (const item of items) {
      const note = span.isRecording() ? noteOf(item) : undefined
      if (note) span.setAttributes(note)
      yield item
    }
  } catch (error) {
    markFailed(span, error)
    throw error
  } finally {
    span.end()
  }
}

/** Runs each step in the context of the run, so that its spans become children no matter which request pulls. */
async function* stepsWithin<Item>(
  active: Context,
  startRun: () => AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  const items = context.with(active, () => startRun()[Symbol.asyncIterator]())
  try {
    for (;;) {
      const next = await context.with(active, () => items.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    await context.with(active, async () => items.return?.())
  }
}

/** Links the active span to the run that does its work. */
export function linkTo(run: SpanContext | undefined, span: Span | undefined = recordingSpan()): void {
  if (run) span?.addLink({ context: run, attributes: { 'askwell.link': 'coalesced' } })
}
