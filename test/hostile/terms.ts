import type { Socket } from 'node:net'

/** One way to hurt the service, within its limits. */
export interface Attack {
  readonly name: string
  /**
   * The operations of openapi.yaml that it goes for, as `PUT /documents`; sending to another is a fault of the attack.
   * `any`: requests made from openapi.yaml itself. Every operation stands in a row that names it; a unit test sees to it.
   */
  readonly routes: readonly string[] | 'any'
  /** Is picked as often as this many of the others, such as 0.2; default 1. */
  readonly weight?: number
  /**
   * Played once, before the minutes that are compared: it is another program on the same machine, whose processor time
   * would be taken for the service's own.
   */
  readonly isOnce?: boolean
  readonly play: (hand: Hand) => Promise<void>
}

/** What an attack has: an address of its own, a seeded chance, and the limits of a single client. */
export interface Hand {
  readonly surroundings: Surroundings
  /** From 0 to 1, the same for the same seed. */
  readonly random: () => number
  /** A whole number from 0, below `count`. */
  nat(count: number): number
  pick<T>(list: readonly T[]): T
  /** Aborts when the attacker has to pause: for attacks that go on until then. */
  readonly signal: AbortSignal
  send(method: string, path: string, options?: SendOptions): Promise<Heard>
  /** An open connection for bytes of the attack's own, counted as a request to that operation. */
  connect(route: string): Promise<Socket>
  /** Those bytes, and what is said to them until the connection closes. */
  raw(route: string, bytes: string): Promise<Heard>
  /** Something that may not be, in words. */
  found(fault: string): void
}

export interface SendOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** Default: the key for asking, or for documents where one is needed; null: none. */
  readonly key?: string | null
}

/** Status 0: there was no reply, and `body` says why. */
export interface Heard {
  readonly status: number
  readonly body: string
  /** What is left of the client's limit; null: the reply does not say. */
  readonly left: number | null
}

/** Where the attacker finds everything; sent to its process. */
export interface Surroundings {
  readonly url: string
  readonly databaseUrl: string
  readonly checkout: string
  /** The environment of the service, for commands that use the same database. */
  readonly env: Readonly<Record<string, string>>
  readonly seed: number
  /** How long it waits for a reply before it hangs up. */
  readonly patienceMs: number
  /** Documents of the hostile collection. */
  readonly ids: readonly string[]
}

/** What one play of an attack came to. */
export interface Played {
  readonly name: string
  readonly ms: number
  /** How often which status, or which error of the connection. */
  readonly replies: Readonly<Record<string, number>>
  readonly routes: readonly string[]
  readonly faults: readonly string[]
}

export type Order =
  | { readonly kind: 'surroundings'; readonly surroundings: Surroundings }
  /** Each of these once, then `idle`. */
  | { readonly kind: 'each'; readonly names: readonly string[] }
  /** Picks of these until `pause`, then `idle`. */
  | { readonly kind: 'picks'; readonly names: readonly string[] }
  | { readonly kind: 'pause' }

export type Report =
  | { readonly kind: 'began'; readonly name: string }
  | { readonly kind: 'played'; readonly played: Played }
  | { readonly kind: 'idle' }

/** Collections and keys of the run. */
export const hostileCollection = 'hostile'
export const guestKey = 'askwell_a-guest-of-the-hostile-run'
export const webKey = 'askwell_the-web-of-the-hostile-run'
export const hostileAddress = '127.0.0.66'
