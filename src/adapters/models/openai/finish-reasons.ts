/**
 * - `complete`: the model ended its reply by itself
 * - `length`: the reply reached its token limit
 * - `filtered`: a content filter removed the rest
 * - `failed`: the server gave up
 */
export type Ending = 'complete' | 'length' | 'filtered' | 'failed'

/**
 * What servers send as `finish_reason`, in lower case: OpenAI, Azure, Mistral (`model_length`), DeepSeek
 * (`insufficient_system_resource`), Gemini, Anthropic and Cohere behind their compatible endpoints, OpenRouter, TGI
 * (`eos_token`), vLLM and SGLang (`abort`), Zhipu (`sensitive`, `network_error`).
 */
const reasons: Readonly<Record<Ending, readonly string[]>> = {
  complete: [
    'stop',
    'eos',
    'eos_token',
    'end_turn',
    'stop_sequence',
    'complete',
    'completed',
    'tool_calls',
    'tool_call',
    'tool_use',
    'function_call',
  ],
  length: ['length', 'max_tokens', 'max_output_tokens', 'model_length', 'model_context_window_exceeded'],
  filtered: [
    'content_filter',
    'content_filtered',
    'safety',
    'recitation',
    'blocklist',
    'prohibited_content',
    'spii',
    'sensitive',
    'refusal',
    'error_toxic',
  ],
  failed: [
    'error',
    'abort',
    'aborted',
    'cancelled',
    'canceled',
    'failed',
    'timeout',
    'network_error',
    'insufficient_system_resource',
    'malformed_function_call',
  ],
}

const endings = new Map(
  Object.entries(reasons).flatMap(([ending, names]) => names.map(name => [name, ending as Ending] as const)),
)

/**
 * Null for anything else: many servers send `""` or `"null"` with each piece of a reply, and one that broke off must
 * not look complete.
 */
export function endingOf(finishReason: unknown): Ending | null {
  return typeof finishReason === 'string' ? (endings.get(finishReason.trim().toLowerCase()) ?? null) : null
}
