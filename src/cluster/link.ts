import type { Serializable } from 'node:child_process'
import { withTimeout } from '../resilience/with-timeout.ts'

/** Functions that the process at the other end of a link may call. */
export type Handlers = Readonly<Record<string, (...args: never[]) => unknown>>

type Call = { readonly askwell: 'call'; readonly id: number | null; readonly name: string; readonly args: unknown[] }
type Reply = { readonly askwell: 'reply'; readonly id: number; readonly result: unknown }

export interface Link<Theirs extends Handlers> {
  /** Resolves with undefined when there is no reply within `limitMs`, or the other process ends. Never rejects. */
  ask<Name extends keyof Theirs & string>(
    limitMs: number,
    name: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>> | undefined>
  /** Like `ask`, without a reply. */
  tell<Name extends keyof Theirs & string>(name: Name, ...args: Parameters<Theirs[Name]>): void
  /** Pass every message that arrives; returns false if it is none of ours. */
  receive(message: unknown): boolean
  /** Ends all calls in flight. */
  close(): void
}

export interface LinkOptions {
  readonly send: (message: Serializable) => void
  /** May change between calls. */
  readonly mine: Handlers
  /** Called when one of `mine` throws. The caller gets no result. */
  readonly onFailed: (error: unknown, name: string) => void
}

/** Calls between two processes that exchange messages. */
export function createLink<Theirs extends Handlers>({ send, mine, onFailed }: LinkOptions): Link<Theirs> {
  const pending = new Map<number, (result: unknown) => void>()
  let lastId = 0

  async function ask(limitMs: number, name: string, ...args: unknown[]): Promise<never> {
    const id = ++lastId
    const { promise, resolve } = Promise.withResolvers<unknown>()
    pending.set(id, resolve)
    send({ askwell: 'call', id, name, args: args as Serializable[] })
    const result = await withTimeout(limitMs, promise).catch(() => undefined)
    pending.delete(id)
    return result as never
  }

  async function answer({ id, name, args }: Call): Promise<void> {
    let result: unknown
    try {
      result = await mine[name]?.(...(args as never[]))
    } catch (error) {
      onFailed(error, name)
    }
    if (id !== null) send({ askwell: 'reply', id, result: result as Serializable })
  }

  return {
    ask,
    tell: (name, ...args) => send({ askwell: 'call', id: null, name, args: args as Serializable[] }),
    receive(message) {
      if (!isOurs(message)) return false
      if (message.askwell === 'call') void answer(message)
      else pending.get(message.id)?.(message.result)
      return true
    },
    close() {
      for (const resolve of pending.values()) resolve(undefined)
    },
  }
}

function isOurs(message: unknown): message is Call | Reply {
  return typeof message === 'object' && message !== null && 'askwell' in message
}
