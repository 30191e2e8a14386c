/** `true`, or what is wrong with a sentence. */
export type CaseKind = 'true' | 'number' | 'name' | 'not' | 'clause' | 'elsewhere'

export interface GroundingPassage {
  readonly id: string
  readonly language: string
  readonly title: string
  readonly text: string
}

/** A sentence that a model may write, with the passages that it was shown. */
export interface GroundingCase {
  readonly id: string
  readonly language: string
  /** Which of the sets it belongs to; README.md says how far the rules knew each. */
  readonly part: 'develop' | 'held-out' | 'unseen-1' | 'unseen-2' | 'unseen-3'
  readonly kind: CaseKind
  /** Lies are made from true sentences by the script, or written. */
  readonly by: 'script' | 'written'
  readonly draft: string
  /** Ids, in the order in which they are numbered. */
  readonly passages: readonly string[]
}
