import { highest } from './reply.ts'
import type { Reply } from './terms.ts'

/** The fields of a reply of `POST /ask` that an evaluation reads; a version of the service may lack some. */
export interface AskReply {
  readonly answer: string
  readonly abstained: boolean
  readonly smalltalk?: boolean
  readonly confidence?: number | null
  readonly language: string
  readonly generator: string
  readonly citations: readonly {
    readonly index: number
    readonly chunk_id: string
    readonly title: string
    readonly quote: string
  }[]
  readonly passages?: readonly {
    readonly chunk_id: string
    readonly source: string
    readonly title: string
    readonly text: string
    readonly scores: Scores
  }[]
  /** Absent unless this machine, or the key, may ask for explanations. */
  readonly explain?: {
    readonly relevance: number | null
    readonly passages: readonly { readonly scores: Scores }[] | null
  }
}

type Scores = Readonly<Record<'coverage' | 'vector' | 'rerank', number | null>>

/** A reply of another process. */
export function replyFrom(json: AskReply, ms: number): Reply {
  const passages = json.passages ?? []
  const byChunk = new Map(passages.map(passage => [passage.chunk_id, passage]))
  const scores = [...passages, ...(json.explain?.passages ?? [])].map(each => each.scores)
  return {
    text: json.answer,
    abstained: json.abstained || json.smalltalk === true,
    isSmalltalk: json.smalltalk === true,
    generator: json.generator,
    language: json.language,
    citations: json.citations.map(({ index, chunk_id, title, quote }) => {
      const passage = byChunk.get(chunk_id)
      return { index, source: passage?.source ?? '', title, quote, text: passage?.text ?? quote }
    }),
    passages: passages.map(({ source, title, text }) => ({ source, title, text })),
    confidence: json.confidence ?? null,
    relevance: json.explain?.relevance ?? null,
    signals: {
      coverage: highest(scores.map(each => each.coverage)),
      cosine: highest(scores.map(each => each.vector)),
      unit: null,
      rerank: highest(scores.map(each => each.rerank)),
    },
    ms,
  }
}
