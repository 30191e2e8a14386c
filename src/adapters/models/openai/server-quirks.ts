import { APIError } from 'openai'
import { wordsOf } from './errors.ts'

/**
 * What compatible servers disagree about. We send what OpenAI documents; when a server refuses a request with
 * words that fit a habit, the request is sent once more the other way, and what worked is remembered. So the
 * price is one extra call in the life of a process, and no list of server versions.
 */
export interface ServerQuirks<Name extends string> {
  /** Runs `attempt` with the habits learned so far, and again with one more when the server refuses. */
  call<Result>(attempt: (learned: ReadonlySet<Name>) => Promise<Result>): Promise<Result>
}

/** `signs` tells by which words of a refusal a habit is recognised. */
export function createServerQuirks<Name extends string>(signs: Readonly<Record<Name, RegExp>>): ServerQuirks<Name> {
  let learned: ReadonlySet<Name> = new Set()

  async function call<Result>(attempt: (learned: ReadonlySet<Name>) => Promise<Result>): Promise<Result> {
    let tried = learned
    for (;;) {
      try {
        const result = await attempt(tried)
        learned = learned.union(tried)
        return result
      } catch (error) {
        const more = habitIn(error, tried)
        if (more === undefined) throw error
        tried = new Set([...tried, more])
      }
    }
  }

  function habitIn(error: unknown, tried: ReadonlySet<Name>): Name | undefined {
    if (!(error instanceof APIError) || (error.status !== 400 && error.status !== 422)) return undefined
    const words = wordsOf(error)
    return (Object.keys(signs) as Name[]).find(name => !tried.has(name) && signs[name].test(words))
  }

  return { call }
}
