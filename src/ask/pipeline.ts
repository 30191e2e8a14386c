import { abstention } from './generation/abstain.ts'
import { selectPassages } from './retrieval/select.ts'
import { findPassages, type FindSteps } from './retrieval/find-passages.ts'
import { addUsage, type Answer, type AskEvent, type AskWithin, type Passage } from './terms.ts'
import { writeAnswer, type AnswerSteps } from './generation/answer.ts'

/** The steps of a question. Each stage already has its span, its histogram and its share of the deadline (stage.ts). */
export interface Steps extends FindSteps, AnswerSteps {
  /** At most five passages, within the model's token budget. */
  readonly pack: (passages: readonly Passage[], question: string) => readonly Passage[]
}

/**
 * One question, from its words to a cited answer. The answer cache wraps it (cache/cached-ask.ts): it loads the
 * collection and shares one run among equal questions. The edge turns the events into JSON or a stream.
 *
 *   find:   analyze → embed → retrieve → relevant?             (retrieval/find-passages.ts)
 *                                            │ no: abstain in the question's language, without calling a model
 *   select: rerank → diversify → top_k       │                 (retrieval/select.ts)
 *   write:  pack → generate → cite           │                 (generation/answer.ts)
 *                     └ no model, or it failed: quote the sentences that answer best
 */
export function createPipeline(steps: Steps): AskWithin {
  return async function* ask(question, collection, run) {
    const found = await findPassages(steps, { question, collection }, run)
    const { asked, mode, usage } = found
    const language = asked.language
    const overtakenMark = found.isOvertaken ? ({ isOvertaken: true } as const) : {}
    if (!found.isRelevant) return yield* abstain({ language, mode, usage, degraded: found.degraded, ...overtakenMark })

    const selected = await selectPassages(steps, question, found, run)
    const passages = steps.pack(selected.passages, asked.text)
    run.explain?.({ packed: passages })
    yield { type: 'passages', passages }
    const written = yield* writeAnswer(steps, { asked, question, passages, caching: collection.caching }, run)
    const base = {
      language,
      mode,
      usage: addUsage(usage, written.usage),
      degraded: [...new Set([...selected.degraded, ...written.degraded])],
      passages: passages.map(withoutUnits),
      ...overtakenMark,
    }
    if (written.isAbstained) return yield* abstain({ ...base, model: written.model })

    const { text, citations, cache, generator, model } = written
    yield { type: 'citations', citations }
    yield { type: 'done', answer: { ...base, text, abstained: false, citations, cache, generator, model } }
  }
}

type AbstainInput = Pick<Answer, 'language' | 'mode' | 'usage' | 'degraded' | 'isOvertaken'> & {
  readonly passages?: readonly Passage[]
  /** The model that found no answer; null when no passage was relevant and no model was called. */
  readonly model?: string | null
}

function* abstain({ passages = [], model = null, ...base }: AbstainInput): Generator<AskEvent, void> {
  const text = abstention(base.language)
  yield { type: 'delta', text }
  yield { type: 'citations', citations: [] }
  const generator = model === null ? 'none' : 'llm'
  yield {
    type: 'done',
    answer: { ...base, text, abstained: true, citations: [], passages, cache: { status: 'miss' }, generator, model },
  }
}

/** Units serve to make the answer; those who read it, and caches, do not need them. */
function withoutUnits({ units: _units, ...passage }: Passage): Passage {
  return passage
}
