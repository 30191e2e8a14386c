import type { Turn, Usage } from '../terms.ts'

export interface ChatRequest {
  readonly system: string
  /** Oldest first; the last one is the user's. */
  readonly messages: readonly Turn[]
  readonly maxTokens: number
}

/** `end` comes once, last, and only after a whole reply: a reply that broke off throws instead. */
export type ChatEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly finishReason: string | null; readonly usage: Usage | null }

/** What every language model looks like to us. */
export interface ChatModel {
  readonly model: string
  /** Who runs it, in OpenTelemetry's words (`gen_ai.provider.name`). */
  readonly provider: string
  /**
   * Throws an AskError (`model_*`), or the signal's reason. Abort the signal to stop: returning the iterator
   * stops it too, but only between two events.
   */
  stream(request: ChatRequest, signal: AbortSignal): AsyncIterable<ChatEvent>
}
