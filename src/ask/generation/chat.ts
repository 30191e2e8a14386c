import type { Turn } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'
import type { Usage } from '../terms/usage.ts'

export interface ChatRequest {
  readonly system: string
  /** Oldest first; the last turn is the user's. */
  readonly messages: readonly Turn[]
  readonly maxTokens: number
}

/** `end` comes once, last, and only after a complete reply. A reply that broke off throws instead. */
export type ChatEvent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly finishReason: FinishReason; readonly usage: Usage | null }

/** `length`: the reply reached its token limit, so its rest is missing. */
export type FinishReason = 'stop' | 'length'

/** The caller, who pays, and until when a reply is of use. Where many calls wait for the model, it decides the order. */
export type ChatUrgency = Pick<Run, 'deadline' | 'priority' | 'caller' | 'payer'> & {
  /** Called when the request is sent, not while it waits for its turn. */
  readonly onSent?: () => void
}

export interface ChatCall extends Partial<ChatUrgency> {
  /** The reply is much shorter than an answer, so its duration says nothing about how long answers take. */
  readonly isShort?: true
  /** Called at the first token of a reply, which may be of reasoning that is not part of it. */
  readonly onBegun?: () => void
  /** Called whenever something of the reply arrives, whatever it is: also for a comment that keeps it alive. */
  readonly onBytes?: () => void
  /** The provider accepts no other call for this time, in milliseconds. */
  readonly onQuotaUsed?: (ms: number) => void
}

/** The interface of every language model. */
export interface ChatModel {
  readonly model: string
  /** The provider, in OpenTelemetry's terms (`gen_ai.provider.name`). */
  readonly provider: string
  /**
   * Throws an AskError (`model_*`), or the signal's reason. Abort the signal to stop it: returning the iterator also
   * does, but only between two events.
   */
  stream(request: ChatRequest, signal: AbortSignal, call?: ChatCall): AsyncIterable<ChatEvent>
}
