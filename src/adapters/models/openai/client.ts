import OpenAI from 'openai'
import { createModelFetch } from '../fetch.ts'

export interface OpenAIOptions {
  /** Undefined for servers that need no key (Ollama, llama.cpp): no Authorization header is then sent. */
  readonly apiKey: string | undefined
  /** Undefined for OpenAI itself. A query in it (`?api-version=`) is sent with every request. */
  readonly baseUrl: string | undefined
  /** Sent with every request, in place of headers of the same name. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Longest wait for a reply to begin. A reply that stalls later is ended by the caller's signal. */
  readonly timeoutMs: number
  /** The settings that messages name. */
  readonly names?: ApiNames
  /** Called when the API rejected the key; a new one is tried at once. */
  readonly onKeyRejected?: (() => void) | undefined
}

export interface ApiNames {
  readonly key: string
  readonly url: string
}

const openaiNames: ApiNames = { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL' }

/** A client whose key and headers may change at any time. */
export class ModelApi extends OpenAI {
  sentHeaders: Readonly<Record<string, string>>
  readonly settingNames: ApiNames
  readonly #hasKey: boolean
  readonly #takesApiKey: boolean

  /**
   * All options are set explicitly so that the package reads nothing from the environment, retries nothing (that is done
   * in `resilience/`, once) and logs nothing: its error log contains what the model wrote.
   */
  constructor({ apiKey, baseUrl, headers = {}, timeoutMs, names = openaiNames, onKeyRejected }: OpenAIOptions) {
    const { address, query } = splitQuery(baseUrl ?? 'https://api.openai.com/v1')
    super({
      apiKey: apiKey ?? 'none',
      ...(apiKey === undefined && { defaultHeaders: { authorization: null } }),
      baseURL: address,
      defaultQuery: query,
      adminAPIKey: null,
      organization: null,
      project: null,
      webhookSecret: null,
      timeout: timeoutMs,
      fetch: createModelFetch({ headers: () => this.#headers(), onKeyRejected }),
      maxRetries: 0,
      logLevel: 'off',
    })
    this.sentHeaders = headers
    this.settingNames = names
    this.#hasKey = apiKey !== undefined
    this.#takesApiKey = 'api-version' in query || new URL(address).hostname.endsWith('.azure.com')
  }

  #headers(): Record<string, string> {
    const key = this.#hasKey ? { authorization: `Bearer ${this.apiKey}` } : {}
    // Azure takes keys in a header of its own, and only tokens of its directory as bearer tokens.
    const azure = this.#hasKey && this.#takesApiKey ? { 'api-key': String(this.apiKey) } : {}
    return { ...key, ...azure, ...this.sentHeaders }
  }
}

function splitQuery(baseUrl: string): { readonly address: string; readonly query: Record<string, string> } {
  const url = new URL(baseUrl)
  const query = Object.fromEntries(url.searchParams)
  url.search = ''
  return { address: Object.keys(query).length === 0 ? baseUrl.replace(/\?$/, '') : url.href, query }
}

/** A client for any OpenAI-compatible API; connections stay open between calls. */
export function createOpenAIClient(options: OpenAIOptions): ModelApi {
  return new ModelApi(options)
}

/** The settings that a message about this API names. */
export function namesOf(client: OpenAI): ApiNames {
  return client instanceof ModelApi ? client.settingNames : openaiNames
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
