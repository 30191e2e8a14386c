import { APIError } from 'openai'
import { serverMessage } from './errors.ts'

/**
 * Handles the differences between compatible servers. Requests are sent as OpenAI documents them. If a server rejects
 * one with a message that matches a quirk, the request is sent again the other way, and the quirk is stored if that
 * worked. This costs one extra call in the life of a process and needs no list of server versions.
 */
export interface ServerQuirks<Name extends string> {
  /** Runs `attempt` with the quirks learned so far, and again with one more if the server rejects it. */
  call<Result>(attempt: (learned: ReadonlySet<Name>) => Promise<Result>): Promise<Result>
}

/** `signs` has a pattern for each quirk, matched against the message of a rejection. */
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
        const more = quirkIn(error, tried)
        if (more === undefined) throw error
        tried = new Set([...tried, more])
      }
    }
  }

  function quirkIn(error: unknown, tried: ReadonlySet<Name>): Name | undefined {
    if (!(error instanceof APIError) || (error.status !== 400 && error.status !== 422)) return undefined
    const message = serverMessage(error)
    return (Object.keys(signs) as Name[]).find(name => !tried.has(name) && signs[name].test(message))
  }

  return { call }
}
