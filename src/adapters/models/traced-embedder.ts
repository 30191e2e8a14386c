import { SpanKind, type Attributes } from '@opentelemetry/api'
import type { Embedder } from '../../ask/retrieval/embedder.ts'
import { genAi, ourselves } from '../../tracing/names.ts'
import { inChild, recordingSpan } from '../../tracing/span.ts'
import { tokensIn } from './token-usage.ts'

export interface EmbedderSpans {
  /** As it is asked for. */
  readonly model: string
  /** Of an API; absent: it runs here. */
  readonly remote?: { readonly provider: string; readonly server: Attributes }
}

/** Each call in a span `embeddings {model}`, where anybody sees it. */
export function traceEmbedder<Kind extends Embedder>(embedder: Kind, { model, remote }: EmbedderSpans): Kind {
  const kind = remote ? SpanKind.CLIENT : SpanKind.INTERNAL
  const attributes = {
    [genAi.operation]: 'embeddings',
    [genAi.provider]: remote?.provider ?? ourselves,
    [genAi.model]: model,
    ...remote?.server,
  }
  const embed: Embedder['embed'] = async (texts, signal, textKind) =>
    await inChild(
      `embeddings ${model}`,
      kind,
      () => attributes,
      async span => {
        const vectors = await embedder.embed(texts, signal, textKind)
        span?.setAttributes({
          'askwell.embeddings.texts': texts.length,
          ...(vectors[0] && { [genAi.dimensions]: vectors[0].length }),
        })
        return vectors
      },
    )
  // Not copied: the length of its vectors may be learned later.
  return Object.assign(Object.create(embedder) as Kind, { embed })
}

/**
 * What the API said of a call, on the span of the one who asked. Questions that share a call have a span each: only the
 * first says what the call took, and how many texts were in it.
 */
export function noteEmbedded(reply: unknown, texts: number): void {
  const span = recordingSpan()
  if (!span) return
  const { model, usage } = reply as { readonly model?: unknown; readonly usage?: { readonly prompt_tokens?: unknown } }
  if (typeof model === 'string') span.setAttribute(genAi.responseModel, model)
  if (usage?.prompt_tokens !== undefined) span.setAttribute(genAi.inputTokens, tokensIn(usage.prompt_tokens))
  span.setAttribute('askwell.embeddings.call_texts', texts)
}
