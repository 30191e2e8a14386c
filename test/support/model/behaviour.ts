import type { ChatRequest } from './chat.ts'
import type { Exchange } from './exchange.ts'

/** How the model answers from now on. `{}` is healthy; a new behaviour replaces the old one completely. */
export interface Behaviour {
  /** Delay before anything is sent. */
  readonly delayMs?: number
  /** Nothing is sent until this promise settles, so that a test controls when the reply comes. */
  readonly held?: Promise<unknown>
  /** Streamed chat: number of tokens sent before `held` applies. */
  readonly heldAfterTokens?: number
  /** Chat: delay between the headers and the first token. */
  readonly firstTokenMs?: number
  /** Chat: delay between tokens. */
  readonly perTokenMs?: number
  /**
   * Chat: requests that it works on at a time. The others wait in silence, first come, first served, as with a local
   * server. The last behaviour counts for all of them.
   */
  readonly atOnce?: number
  /** Reply with this error status … */
  readonly status?: number
  /** … and this `Retry-After`, in seconds. */
  readonly retryAfter?: number
  /** Accept the connection and never reply. */
  readonly silent?: boolean
  /** Chat: after the first token, send all others as fast as the socket accepts them. */
  readonly isInOneGo?: boolean
  /** Chat: stop sending after this many tokens, but keep the connection open. */
  readonly stallAfterTokens?: number
  /** Chat: break the connection after this many tokens. */
  readonly cutAfterTokens?: number
  /** Reply with status 200 and a body that is not JSON. */
  readonly garbage?: boolean
  /** Characters of a text that its vector depends on; the rest costs no time. Default: all of them. */
  readonly readsAtMost?: number
  /** Embeddings: the words whose vector a text gets, so that texts in two languages can mean the same. */
  readonly meaning?: (text: string) => string
  /** Embeddings: one extra number in every vector. */
  readonly wrongDimension?: boolean
  /** Chat: this text instead of the model's own answer. */
  readonly answer?: string | ((request: ChatRequest) => string)
  /** Chat: decline with a `refusal`, as OpenAI does. */
  readonly refuse?: boolean
  /** Number of requests that this behaviour applies to; later ones are healthy. */
  readonly times?: number
}

/** Provides the behaviour for each request, and counts requests if it applies to a limited number. */
export class Temper {
  #behaviour: Behaviour
  #left: number
  #working = 0
  readonly #waiting = new Set<() => void>()

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour
    this.#left = behaviour.times ?? Infinity
  }

  set(behaviour: Behaviour): void {
    this.#behaviour = behaviour
    this.#left = behaviour.times ?? Infinity
    this.#begin()
  }

  next(): Behaviour {
    this.#left -= 1
    return this.#left < 0 ? {} : this.#behaviour
  }

  /** Waits until there is room to work on one more request. It works on it until the exchange is over. */
  async room(exchange: Pick<Exchange, 'onClose'>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.add(resolve)
    exchange.onClose(() => {
      // One that leaves while it waits took no room.
      if (!this.#waiting.delete(resolve)) this.#working -= 1
      this.#begin()
    })
    this.#begin()
    await promise
  }

  #begin(): void {
    for (const start of this.#waiting) {
      if (this.#working >= (this.#behaviour.atOnce ?? Infinity)) return
      this.#waiting.delete(start)
      this.#working += 1
      start()
    }
  }
}
