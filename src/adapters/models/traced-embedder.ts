import { SpanKind, type Attributes } from '@opentelemetry/api'
import type { Embedder } from '../../ask/retrieval/embedder.ts'
import { genAi, ourselves } from '../../tracing/names.ts'
import { inChild, recordingSpan } from '../../tracing/span.ts'
import { tokensIn } from './token-usage.ts'

export interface EmbedderSpans {
  /** The model name as it is requested. */
  readonly model: string
  /** For a model behind an API; absent for one that runs in this process. */
  readonly remote?: { readonly provider: string; readonly server: Attributes }
}

/** Records each call as a span `embeddings {model}` if the trace is recorded. */
export function traceEmbedder<Kind extends Embedder>(embedder: Kind, { model, remote }: EmbedderSpans): Kind {
  const kind = remote ? SpanKind.CLIENT : SpanKind.INTERNAL
  const attributes = {
    [genAi.operation]: 'embeddings',
    [genAi.provider]: remote?.provider ?? ourselves,
    [genAi.model]: model,
    ...remote?.server,
  }
  const embed: Embedder['embed'] = async (texts, signal, textKind, call) =>
    await inChild(
      `embeddings ${model}`,
      kind,
      () => attributes,
      async span => {
        const vectors = await embedder.embed(texts, signal, textKind, call)
        span?.setAttributes({
          'askwell.embeddings.texts': texts.length,
          ...(vectors[0] && { [genAi.dimensions]: vectors[0].length }),
        })
        return vectors
      },
    )
  return { ...embedder, embed }
}

/**
 * Records what the API reported about a call, on the caller's span. Questions that share a call have a span each; only
 * the first one records the usage and the number of texts.
 */
export function noteEmbedded(reply: unknown, texts: number): void {
  const span = recordingSpan()
  if (!span) return
  const { model, usage } = reply as { readonly model?: unknown; readonly usage?: { readonly prompt_tokens?: unknown } }
  if (typeof model === 'string') span.setAttribute(genAi.responseModel, model)
  if (usage?.prompt_tokens !== undefined) span.setAttribute(genAi.inputTokens, tokensIn(usage.prompt_tokens))
  span.setAttribute('askwell.embeddings.call_texts', texts)
}
