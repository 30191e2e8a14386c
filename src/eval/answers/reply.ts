import type { Answer } from '../../ask/terms/answer.ts'
import type { Passage } from '../../ask/terms/passage.ts'
import type { Explanation } from '../../ask/terms/run.ts'
import type { Reply, Signals } from './terms.ts'

/** A reply of this process. */
export function replyOf(answer: Answer, explanation: Partial<Explanation>, ms: number): Reply {
  const byChunk = new Map(answer.passages.map(passage => [passage.chunkId, passage]))
  return {
    text: answer.text,
    abstained: answer.abstained || answer.isSmallTalk === true,
    isSmalltalk: answer.isSmallTalk === true,
    generator: answer.generator,
    language: answer.language,
    citations: answer.citations.map(({ index, chunkId, title, quote }) => {
      const passage = byChunk.get(chunkId)
      return { index, source: passage?.source ?? '', title, quote, text: passage?.text ?? quote }
    }),
    passages: answer.passages.map(({ source, title, text }) => ({ source, title, text })),
    confidence: answer.confidence ?? null,
    relevance: explanation.judgedPassages?.confidence ?? null,
    signals: signalsOf([...(explanation.fused ?? []), ...(explanation.reranked ?? [])]),
    ms,
  }
}

function signalsOf(passages: readonly Passage[]): Signals {
  const units = passages.flatMap(passage => passage.units ?? [])
  return {
    coverage: highest(passages.map(({ scores }) => scores.coverage)),
    cosine: highest(passages.map(({ scores }) => scores.vector)),
    unit: highest(units.map(({ similarity }) => similarity)),
    rerank: highest([...passages.map(({ scores }) => scores.rerank), ...units.map(({ rerank }) => rerank)]),
  }
}

export function highest(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter(value => typeof value === 'number')
  return known.length === 0 ? null : Math.max(...known)
}
