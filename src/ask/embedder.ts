/** What every embedding model looks like to us, local or remote. */
export interface Embedder {
  /** Stored beside the vectors it makes; vectors of two models are never compared. */
  readonly model: string
  readonly dimensions: number
  /** Longest input, in the model's own tokens. A longer text is embedded in windows, never cut silently. */
  readonly maxTokens: number
  /** Best length of a window, in tokens; at most `maxTokens`. */
  readonly windowTokens: number
  /** Languages it can read (BCP 47 primary), or 'any'. In another language its vectors have no say. */
  readonly languages: readonly string[] | 'any'
  /** False: a model of prose; windows leave blocks of code to the lexical arm. */
  readonly readsCode: boolean
  countTokens(text: string): number
  /**
   * One unit-length vector a text, in order. Texts must not be empty nor longer than `maxTokens` (an
   * implementation throws rather than cut). Rejects with an AskError (`model_*`), or the signal's reason.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>
  close(): Promise<void>
}
