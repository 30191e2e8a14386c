import type { Subscriber } from '../events.ts'
import type { Kit } from './kit.ts'
import { latencyBuckets } from './kit.ts'

/** Calls of remote models, one observation per call including retries: OpenTelemetry's `gen_ai.client.*`. */
export function modelMetrics(kit: Kit): Subscriber {
  const calls = kit.histogram(
    'gen_ai_client_operation_duration_seconds',
    'Duration of a model call; error_type is empty if it succeeded.',
    { labels: ['operation', 'error_type'] },
  )
  const first = kit.histogram(
    'gen_ai_client_operation_time_to_first_chunk_seconds',
    'Time to the first chunk of a model call.',
    { labels: ['operation'] },
  )
  const gpt = kit.histogram(
    'gpt_latency_seconds',
    'Duration of a language model call, to its last token or its failure.',
    { buckets: [...latencyBuckets, 60] },
  )()
  const embedded = kit.counter(
    'embedded_texts_total',
    'Texts of documents that the model API has embedded; its rate is how quickly documents are loaded.',
  )()
  return {
    textsEmbedded: count => embedded.add(count),
    modelCalled(operation, seconds, error, traceId) {
      calls(operation, error).observe(seconds, traceId)
      // A cancelled call says nothing about how long a call takes.
      if (operation === 'chat' && error !== 'cancelled') gpt.observe(seconds, traceId)
    },
    modelStreamed: (operation, seconds, traceId) => first(operation).observe(seconds, traceId),
  }
}
