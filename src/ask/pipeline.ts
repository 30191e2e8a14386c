import { abstention } from './generation/abstain.ts'
import { isHopeless } from './abstention/gate.ts'
import { selectPassages } from './retrieval/select.ts'
import { findPassages, type FindSteps } from './retrieval/find-passages.ts'
import type { Answer, AskEvent } from './terms/answer.ts'
import type { Judgement } from './terms/evidence.ts'
import type { Passage } from './terms/passage.ts'
import type { AskWithin, Run } from './terms/run.ts'
import { addUsage } from './terms/usage.ts'
import type { Extracted } from './generation/quotes.ts'
import { writeAnswer, type AnswerSteps } from './generation/answer.ts'

/** The steps of a question. Each stage already has its span, its histogram and its share of the deadline (stage.ts). */
export interface Steps extends FindSteps, AnswerSteps {
  /** At most five passages, within the model's token budget. */
  readonly pack: (passages: readonly Passage[], question: string, run: Pick<Run, 'deadline'>) => readonly Passage[]
}

/**
 * One question, from its words to a cited answer. The answer cache wraps it (cache/cached-ask.ts): it loads the
 * collection and shares one run among equal questions. The edge turns the events into JSON or a stream.
 *
 *   find:   analyze → embed → retrieve                         (retrieval/find-passages.ts)
 *   gate:   hopeless? abstain in the question's language       (abstention/gate.ts)
 *   select: rerank → diversify → top_k                         (retrieval/select.ts)
 *   gate:   the same, where a reranker has read them
 *   write:  pack → generate → ground → cite                    (generation/answer.ts, grounding/session.ts)
 *                     │          └ the passages do not support the draft: quote, too
 *                     └ no model, or it failed: quote the sentences that answer best
 *   gate:   doubtful quotations? abstain: unlike a model, they cannot say that they do not answer
 */
export function createPipeline(steps: Steps): AskWithin {
  return async function* ask(question, collection, run) {
    const found = await findPassages(steps, { question, collection }, run)
    const { asked, mode, usage } = found
    const language = asked.language
    const overtakenMark = found.isOvertaken ? ({ isOvertaken: true } as const) : {}
    const early = { language, mode, usage, degraded: found.degraded, ...overtakenMark }
    if (isHopeless(found.judged)) return yield* abstain({ ...early, judged: found.judged })

    const selected = await selectPassages(steps, question, found, run)
    const { degraded, evidence } = selected
    const judgedPassages = isReranked(selected.passages) ? steps.gate.ofPassages(evidence) : found.judged
    run.explain?.({ judgedPassages })
    if (isHopeless(judgedPassages)) return yield* abstain({ ...early, degraded, judged: judgedPassages })

    const passages = steps.pack(selected.passages, asked.text, run)
    run.explain?.({ packed: passages })
    yield { type: 'passages', passages }
    const judge = (quoted: Extracted): Judgement => {
      const judgedAnswer = steps.gate.ofAnswer(evidence, { ...quoted, passages })
      run.explain?.({ judgedAnswer })
      return judgedAnswer
    }
    const written = yield* writeAnswer(steps, { asked, question, passages, caching: collection.caching, judge }, run)
    const judged = written.judged ?? judgedPassages
    const base = {
      language,
      mode,
      usage: addUsage(usage, written.usage),
      degraded: [...new Set([...selected.degraded, ...written.degraded])],
      passages: passages.map(withoutUnits),
      ...overtakenMark,
    }
    if (written.isAbstained) return yield* abstain({ ...base, judged, model: written.model })

    const { text, citations, cache, generator, model, isTruncated } = written
    yield { type: 'citations', citations }
    const { confidence } = judged
    const answer = { ...base, confidence, text, abstained: false, citations, cache, generator, model }
    yield { type: 'done', answer: { ...answer, ...(isTruncated && { isTruncated }) } }
  }
}

function isReranked(passages: readonly Passage[]): boolean {
  return passages.some(
    ({ scores, units = [] }) => scores.rerank !== undefined || units.some(({ rerank }) => rerank !== undefined),
  )
}

type AbstainInput = Pick<Answer, 'language' | 'mode' | 'usage' | 'degraded' | 'isOvertaken'> & {
  readonly judged: Judgement
  readonly passages?: readonly Passage[]
  /** The model that found no answer; null when no passage was relevant and no model was called. */
  readonly model?: string | null
}

function* abstain({
  judged: { confidence },
  passages = [],
  model = null,
  ...base
}: AbstainInput): Generator<AskEvent, void> {
  const text = abstention(base.language)
  yield { type: 'delta', text }
  yield { type: 'citations', citations: [] }
  const generator = model === null ? 'none' : 'llm'
  yield {
    type: 'done',
    answer: {
      ...base,
      confidence,
      text,
      abstained: true,
      citations: [],
      passages,
      cache: { status: 'miss' },
      generator,
      model,
    },
  }
}

/** Units serve to make the answer; those who read it, and caches, do not need them. */
function withoutUnits({ units: _units, ...passage }: Passage): Passage {
  return passage
}
