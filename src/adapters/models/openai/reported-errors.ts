import { APIError } from 'openai'

type Fields = Readonly<Record<string, unknown>>

/**
 * The error that a chunk of a reply reports, or null. After status 200 a server has no other way to say that it failed:
 * - `{ error: { message, code } }`, as most servers,
 * - `{ error: "message", error_type }` (TGI), `{ object: "error", message, code }` (older vLLM),
 * - an event named `error` (Groq, llama.cpp),
 * - `{ choices: [{ error: { message, code } }] }` (OpenRouter).
 */
export function errorIn(chunk: object, eventName: string, headers: Headers): APIError | null {
  const reported = errorOf(chunk as Fields, eventName)
  return reported === null ? null : new APIError(undefined, reported, undefined, headers)
}

function errorOf(chunk: Fields, eventName: string): object | null {
  const { error, error_type: type } = chunk
  if (error) return asObject(error, type)
  if (eventName === 'error' || chunk['object'] === 'error') return chunk
  const choices: unknown = chunk['choices']
  const failed = Array.isArray(choices) ? (choices as (Fields | null)[]).find(choice => choice?.['error']) : undefined
  return failed ? asObject(failed['error'], undefined) : null
}

function asObject(error: unknown, type: unknown): object {
  return typeof error === 'object' && error !== null ? error : { message: String(error), type }
}
