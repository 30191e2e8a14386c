/** Many models are trained to be told which of the two a text is, and put the vectors of each where the other's look. */
export type TextKind = 'query' | 'passage'

/** Which tokenizer counts for a model: what another process needs to count as it does. `onnx`: a folder. */
export type TokenCounting = 'api' | 'local' | { readonly onnx: string }

/** What every embedding model looks like to us, local or remote. */
export interface Embedder {
  /**
   * Stored beside the vectors it makes; vectors of two models are never compared. Another name whenever the same
   * passage would get another vector: another file, pooling or prefix.
   */
  readonly model: string
  readonly dimensions: number
  /**
   * Longest text, in the model's own tokens; what is put around it (a prefix, marks of beginning and end) is taken off
   * already. A longer text is embedded in windows, never cut silently.
   */
  readonly maxTokens: number
  /** Best length of a window, in tokens; at most `maxTokens`. */
  readonly windowTokens: number
  /** Languages it can read (BCP 47 primary), or 'any'. In another language its vectors have no say. */
  readonly languages: readonly string[] | 'any'
  /** False: a model of prose; windows leave blocks of code to the lexical arm. */
  readonly readsCode: boolean
  countTokens(text: string): number
  /** How `countTokens` counts. */
  readonly counting: TokenCounting
  /**
   * One unit-length vector a text, in order; passages unless said otherwise. Texts must not be empty nor longer than
   * `maxTokens` (an implementation throws rather than cut). Rejects with an AskError (`model_*`), or the signal's reason.
   */
  embed(texts: readonly string[], signal: AbortSignal, kind?: TextKind): Promise<Float32Array[]>
  close(): Promise<void>
}
