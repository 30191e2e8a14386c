import OpenAI from 'openai'
import { createModelFetch } from '../fetch.ts'

export interface OpenAIOptions {
  /** Undefined for servers that ask for none (Ollama, llama.cpp): then no Authorization header is sent. */
  readonly apiKey: string | undefined
  /** Undefined: OpenAI itself. */
  readonly baseUrl: string | undefined
  /** Longest wait for a reply to begin. A reply that stalls later is ended by the caller's signal. */
  readonly timeoutMs: number
}

/**
 * A client of any OpenAI-compatible API; connections are kept open between calls. Everything is said here so
 * that the package reads nothing from the environment, retries nothing (retry lives in `resilience/`, once) and
 * prints nothing: its error log holds what the model wrote.
 */
export function createOpenAIClient({ apiKey, baseUrl, timeoutMs }: OpenAIOptions): OpenAI {
  return new OpenAI({
    apiKey: apiKey ?? 'none',
    ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
    baseURL: baseUrl ?? 'https://api.openai.com/v1',
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    timeout: timeoutMs,
    fetch: createModelFetch(),
    maxRetries: 0,
    logLevel: 'off',
  })
}

const providers: readonly (readonly [hostEnding: string, provider: string])[] = [
  ['api.openai.com', 'openai'],
  ['.openai.azure.com', 'azure.ai.openai'],
  ['.services.ai.azure.com', 'azure.ai.inference'],
  ['api.groq.com', 'groq'],
  ['api.mistral.ai', 'mistral_ai'],
  ['api.deepseek.com', 'deepseek'],
  ['api.x.ai', 'x_ai'],
  ['generativelanguage.googleapis.com', 'gcp.gemini'],
]

/** OpenTelemetry's name for who runs the API (a closed list: a host name is no label). */
export function providerOf(client: OpenAI): string {
  const { hostname } = new URL(client.baseURL)
  const known = providers.find(
    ([ending]) => hostname === ending || (ending.startsWith('.') && hostname.endsWith(ending)),
  )
  return known?.[1] ?? 'openai_compatible'
}
