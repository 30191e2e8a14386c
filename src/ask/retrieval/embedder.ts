import type { Payer } from '../terms/usage.ts'
import type { ModelPrior } from '../calibration/terms.ts'

/** Many models are trained to distinguish the two, and place vectors of one where the other looks for them. */
export type TextKind = 'query' | 'passage'

/** Which tokenizer counts for a model, so that another process can count alike. `onnx` is a folder. */
export type TokenCounting = 'api' | 'local' | { readonly onnx: string }

/** A question's call. It is charged to budgets where the model costs something; calls without it are not. */
export interface QuestionCall {
  readonly payer?: Payer | undefined
  /** Called for each request that is sent: a late one may be sent twice. */
  readonly onSent?: () => void
}

/** A call that embeds documents which are loaded. */
export interface LoadingCall {
  /**
   * Longest wait for an API that is busy, in milliseconds since it last replied; a failure that may pass is repeated a few
   * times. 0 or absent rejects at once.
   */
  readonly patienceMs?: number
  /** Called with the number of texts that were embedded, several times per call where a model is slow. */
  readonly onEmbedded?: (texts: number) => void
  /** Called before each wait for the API, and with 0 before a call that took too long is made again with fewer texts. */
  readonly onWait?: (ms: number, error: unknown) => void
}

/** The interface of every embedding model, local or remote. */
export interface Embedder {
  /**
   * Stored next to its vectors; vectors of two models are never compared. It must change whenever the same passage
   * would get another vector: another file, pooling or prefix.
   */
  readonly model: string
  /** Length of its vectors. Null while it is unknown: the API has not responded since the start. */
  dimensions(): number | null
  /**
   * Longest text, in the model's own tokens, after subtracting what is put around it (prefix, start and end tokens). A
   * longer text is embedded in windows, never cut silently.
   */
  readonly maxTokens: number
  /** Best length of a window, in tokens; at most `maxTokens`. */
  readonly windowTokens: number
  /** Languages it can read (BCP 47 primary), or 'any'. In other languages its vectors are not used. */
  readonly languages: readonly string[] | 'any'
  /** False for a model of prose: windows then leave blocks of code to lexical search. */
  readonly readsCode: boolean
  /** Number of chunks of a collection up to which the units of new chunks are embedded; none where it is 0 or absent. */
  readonly unitsUpTo?: number
  /**
   * Whether documents are stored before their units are embedded, which follow in the background: where the units would
   * take much longer than the rest.
   */
  readonly areUnitsBehind?: boolean
  /** What is known of a model that ships with Askwell, until a collection is calibrated. */
  readonly prior?: ModelPrior
  countTokens(text: string): number
  /** The tokenizer of `countTokens`. */
  readonly counting: TokenCounting
  /**
   * One unit-length vector per text, in order; texts are passages unless `kind` says otherwise. Texts must be neither
   * empty nor longer than `maxTokens` (an implementation throws instead of cutting). Rejects with an AskError
   * (`model_*`), or the signal's reason.
   */
  embed(
    texts: readonly string[],
    signal: AbortSignal,
    kind?: TextKind,
    call?: QuestionCall & LoadingCall,
  ): Promise<Float32Array[]>
  close(): Promise<void>
}
