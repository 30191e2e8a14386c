import type { ChatRequest } from './chat.ts'

/** How the model answers from now on. `{}` is healthy; a new behaviour replaces the old one whole. */
export interface Behaviour {
  /** Before anything is sent. */
  readonly delayMs?: number
  /** Nothing is sent before this is settled: for a reply that comes when the test says so. */
  readonly held?: Promise<unknown>
  /** Chat, streamed: so many tokens are sent before it is held. */
  readonly heldAfterTokens?: number
  /** Chat: after the headers, before the first token. */
  readonly firstTokenMs?: number
  /** Chat: between tokens. */
  readonly perTokenMs?: number
  /** Reply with this error status … */
  readonly status?: number
  /** … and this `Retry-After`, in seconds. */
  readonly retryAfter?: number
  /** Accept the connection and say nothing, for ever. */
  readonly silent?: boolean
  /** Chat: send all tokens as soon as there is one, as fast as the socket takes them. */
  readonly isInOneGo?: boolean
  /** Chat: say nothing more after so many tokens, the connection stays open. */
  readonly stallAfterTokens?: number
  /** Chat: break the connection after so many tokens. */
  readonly cutAfterTokens?: number
  /** Status 200 and no JSON. */
  readonly garbage?: boolean
  /** Embeddings: one number too many in every vector. */
  readonly wrongDimension?: boolean
  /** Chat: these words instead of the model's own. */
  readonly answer?: string | ((request: ChatRequest) => string)
  /** Chat: decline, as OpenAI does it. */
  readonly refuse?: boolean
  /** Only for so many requests, then healthy again. */
  readonly times?: number
}

/** Hands out the behaviour a request gets; counts those that hold only for some. */
export class Temper {
  #behaviour: Behaviour
  #left: number

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour
    this.#left = behaviour.times ?? Infinity
  }

  set(behaviour: Behaviour): void {
    this.#behaviour = behaviour
    this.#left = behaviour.times ?? Infinity
  }

  next(): Behaviour {
    this.#left -= 1
    return this.#left < 0 ? {} : this.#behaviour
  }
}
