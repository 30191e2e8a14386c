import type { Attributes } from '@opentelemetry/api'
import { inWorkflow, type Workflow } from '../tracing/workflow.ts'
import type { AskEvent, Run } from './terms.ts'

/** Wraps a run of the pipeline, including its cache lookups, in a span. */
export function asWorkflow(run: Run, start: () => AsyncIterable<AskEvent>): Workflow<AskEvent> {
  return inWorkflow(start, { attributes: { 'askwell.request_id': run.id }, noteOf: attributesOf })
}

function attributesOf(event: AskEvent): Attributes | undefined {
  if (event.type !== 'done') return undefined
  const { mode, generator, abstained, degraded, cache, usage } = event.answer
  return {
    'askwell.mode': mode,
    'askwell.generator': generator,
    'askwell.abstained': abstained,
    'askwell.degraded': [...degraded],
    'askwell.cache': cache.status,
    'askwell.llm_calls': usage.llmCalls,
  }
}
