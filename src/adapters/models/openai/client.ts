import OpenAI from 'openai'
import { createModelFetch } from '../fetch.ts'

export interface OpenAIOptions {
  /** Undefined for servers that need no key (Ollama, llama.cpp): no Authorization header is then sent. */
  readonly apiKey: string | undefined
  /** Undefined for OpenAI itself. */
  readonly baseUrl: string | undefined
  /** Longest wait for a reply to begin. A reply that stalls later is ended by the caller's signal. */
  readonly timeoutMs: number
}

/**
 * A client for any OpenAI-compatible API; connections stay open between calls. All options are set explicitly so that
 * the package reads nothing from the environment, retries nothing (that is done in `resilience/`, once) and logs
 * nothing: its error log contains what the model wrote.
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

/**
 * OpenTelemetry's name for the provider of the API. A closed set, because it is a metric label and a host name is not
 * one.
 */
export function providerOf(client: OpenAI): string {
  const { hostname } = new URL(client.baseURL)
  const known = providers.find(
    ([ending]) => hostname === ending || (ending.startsWith('.') && hostname.endsWith(ending)),
  )
  return known?.[1] ?? 'openai_compatible'
}
