import type { Judged } from '../metrics.ts'
import type { SourceDocument } from '../../ingest/terms.ts'
import type { Turn } from '../../ask/terms/question.ts'

/** A question with what is known about its answer. */
export interface AnswerQuestion {
  readonly id: string
  readonly text: string
  /** As the set states it, or undefined if it does not. */
  readonly language: string | undefined
  /** Earlier turns, oldest first. */
  readonly history: readonly Turn[]
  /** As the set states it, or `answerable` or `unanswerable`. */
  readonly kind: string
  /** Null for a turn that is neither, such as thanks, or one to be asked back. */
  readonly isAnswerable: boolean | null
  readonly expected: Expected
  /** Null for the questions of the set itself; else the name of the file that adds some, which are measured apart. */
  readonly variant: string | null
}

/** What a right answer cites and says. */
export type Expected =
  | {
      /** Judged documents by id, and gold answers as people wrote them; any of them will do. */
      readonly by: 'judgements'
      readonly judged: Judged
      readonly answers: readonly string[]
    }
  | {
      /** Ends of sources or parts of titles, any of which will do, and texts, all of which must be in the answer. */
      readonly by: 'texts'
      readonly sources: readonly string[]
      /** A text with `|` is a choice. */
      readonly texts: readonly string[]
    }

export interface AnswerSet {
  /** The folder's name. */
  readonly name: string
  readonly folder: string
  /** `small`: a corpus as users have them, in files of their own; `judged`: corpus.jsonl with judgements. */
  readonly form: 'judged' | 'small'
  readonly corpus: Corpus
  readonly questions: readonly AnswerQuestion[]
}

export type Corpus = { readonly documents: readonly SourceDocument[] } | { readonly files: string }

/** How strongly single signals speak for an answer: the best value among the candidates, null where there is none. */
export interface Signals {
  /** Share of the question's words, weighted by idf. */
  readonly coverage: number | null
  /** Cosine similarity of a window of a passage. */
  readonly cosine: number | null
  /** Cosine similarity of a single sentence, list item or row. */
  readonly unit: number | null
  /** The reranker's score. */
  readonly rerank: number | null
}

export interface Cited {
  readonly source: string
  readonly title: string
  readonly quote: string
  readonly text: string
}

/** What the service replied. */
export interface Reply {
  readonly text: string
  readonly abstained: boolean
  /** A polite line for a greeting or thanks. It counts as abstained, and in no curve. */
  readonly isSmalltalk: boolean
  /** Who wrote the answer: `llm`, `extractive` or `none`. */
  readonly generator: string
  readonly language: string
  /** In the order of the reply; `index` is the number of its marker. */
  readonly citations: readonly (Cited & { readonly index: number })[]
  readonly passages: readonly Omit<Cited, 'quote'>[]
  /** How sure the service says it is, 0…1; null when it does not say. */
  readonly confidence: number | null
  readonly relevance: number | null
  readonly signals: Signals
  readonly ms: number
}

/** One question of a set with its replies. */
export interface Asked {
  readonly question: AnswerQuestion
  readonly reply: Reply
  /**
   * What the service answers if it never abstains for want of relevance; the reply itself if it did not. Null when this
   * cannot be asked, as over HTTP.
   */
  readonly open: Reply | null
}

export type Verdict = 'right' | 'partial' | 'wrong' | 'refused' | 'false' | 'none'
