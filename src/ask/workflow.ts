import type { Attributes } from '@opentelemetry/api'
import { inWorkflow, type Workflow } from '../tracing/workflow.ts'
import type { Answer, AskEvent } from './terms/answer.ts'
import type { Run } from './terms/run.ts'

/** Wraps a run of the pipeline, including its cache lookups, in a span. */
export function asWorkflow(run: Run, start: () => AsyncIterable<AskEvent>): Workflow<AskEvent> {
  return inWorkflow(start, { attributes: { 'askwell.request_id': run.id }, noteOf: attributesOf })
}

function attributesOf(event: AskEvent): Attributes | undefined {
  if (event.type !== 'done') return undefined
  return { ...answerAttributes(event.answer), 'askwell.llm_calls': event.answer.usage.llmCalls }
}

/** Attributes of a span that ends with this answer. */
export function answerAttributes({ mode, generator, abstained, degraded, cache }: Answer): Attributes {
  return {
    'askwell.mode': mode,
    'askwell.generator': generator,
    'askwell.abstained': abstained,
    'askwell.degraded': [...degraded],
    'askwell.cache': cache.status,
  }
}
