import type { Attributes } from '@opentelemetry/api'
import { inWorkflow, type Workflow } from '../tracing/workflow.ts'
import type { AskEvent, Run } from './terms.ts'

/** A run of the pipeline, with the caches that it asks, inside its span. */
export function asWorkflow(run: Run, begin: () => AsyncIterable<AskEvent>): Workflow<AskEvent> {
  return inWorkflow(begin, { attributes: { 'askwell.request_id': run.id }, noteOf })
}

function noteOf(event: AskEvent): Attributes | undefined {
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
