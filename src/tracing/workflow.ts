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

/** The items of a run that has a span of its own; undefined where nobody will see it. */
export interface Workflow<Item> extends AsyncIterable<Item> {
  readonly spanContext: SpanContext | undefined
}

const key = createContextKey('askwell workflow')

/** Of the run that the present work is part of. */
export function workflowSpan(): Span | undefined {
  return context.active().getValue(key) as Span | undefined
}

export interface WorkflowOptions<Item> {
  readonly attributes?: Attributes
  /** What an item says of the whole run. */
  readonly noteOf: (item: Item) => Attributes | undefined
}

/**
 * `invoke_workflow askwell`: one run, whoever waits for it. It is a child of the request that began it, and may outlive
 * that; who joins it links to it. Without a request around it (a refresh) it is a trace of its own.
 */
export function inWorkflow<Item>(
  begin: () => AsyncIterable<Item>,
  { attributes = {}, noteOf }: WorkflowOptions<Item>,
): Workflow<Item> {
  const around = trace.getActiveSpan()
  if (around && !around.isRecording()) return unseen(begin)
  const own = { [genAi.operation]: 'invoke_workflow', [genAi.workflow]: ourselves, ...attributes }
  const span = trace
    .getTracer('askwell')
    .startSpan(`invoke_workflow ${ourselves}`, { kind: SpanKind.INTERNAL, attributes: own })
  // Without a collector; of a refresh that was not drawn the spans below must know that they are not either.
  if (!isSpanContextValid(span.spanContext())) return unseen(begin)
  const active = trace.setSpan(context.active(), span).setValue(key, span)
  const items = noted(span, stepsWithin(active, begin), noteOf)
  return { spanContext: span.isRecording() ? span.spanContext() : undefined, [Symbol.asyncIterator]: () => items }
}

/** As it is: each layer around an answer from Redis costs some microseconds. */
function unseen<Item>(begin: () => AsyncIterable<Item>): Workflow<Item> {
  return { spanContext: undefined, [Symbol.asyncIterator]: () => begin()[Symbol.asyncIterator]() }
}

async function* noted<Item>(
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

/** The same items; each step runs inside the context, so that spans below become its children whoever pulls. */
async function* stepsWithin<Item>(
  active: Context,
  begin: () => AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  const items = context.with(active, () => begin()[Symbol.asyncIterator]())
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

/** Says at the span under way that its work is done by another run. */
export function linkTo(run: SpanContext | undefined, span: Span | undefined = recordingSpan()): void {
  if (run) span?.addLink({ context: run, attributes: { 'askwell.link': 'coalesced' } })
}
