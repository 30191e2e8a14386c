import { abstention } from './generation/abstain.ts'
import { selectPassages } from './retrieval/select.ts'
import { findPassages, type FindSteps } from './retrieval/find-passages.ts'
import { addUsage, type Answer, type AskEvent, type AskWithin, type Passage } from './terms.ts'
import { writeAnswer, type AnswerSteps } from './generation/answer.ts'

/** What a question passes through; each stage already has its span, histogram and share of the deadline (stage.ts). */
export interface Steps extends FindSteps, AnswerSteps {
  /** At most five passages within the model's token budget. */
  readonly pack: (passages: readonly Passage[], question: string) => readonly Passage[]
}

/**
 * One question, from its words to a cited answer. Around it (remember.ts) is the answer cache, which
 * looks the collection up and shares one run among equal questions; behind it the edge turns the events into JSON or
 * a stream.
 *
 *   look:   understand → embed → retrieve → near enough?       (retrieval/find-passages.ts)
 *                                               │ no: say so, in the question's language; no model is asked
 *   choose: rerank → diversify → top_k          │              (retrieval/select.ts)
 *   write:  pack → generate → cite              │              (write.ts)
 *                     └ no model, or it failed: quote the sentences that answer best
 */
export function createPipeline(steps: Steps): AskWithin {
  return async function* ask(question, collection, run) {
    const found = await findPassages(steps, question, collection, run)
    const { asked, mode, usage } = found
    const language = asked.language
    const overtaken = found.isOvertaken ? ({ isOvertaken: true } as const) : {}
    if (!found.isRelevant) return yield* abstain({ language, mode, usage, degraded: found.degraded, ...overtaken })

    const chosen = await selectPassages(steps, question, found, run)
    const passages = steps.pack(chosen.passages, asked.text)
    yield { type: 'passages', passages }
    const written = yield* writeAnswer(steps, { asked, question, passages, caching: collection.caching }, run)
    const base = {
      language,
      mode,
      usage: addUsage(usage, written.usage),
      degraded: [...chosen.degraded, ...written.degraded],
      passages,
      ...overtaken,
    }
    if (written.isAbstained) return yield* abstain({ ...base, model: written.model })

    const { text, citations, cache, generator, model } = written
    yield { type: 'citations', citations }
    yield { type: 'done', answer: { ...base, text, abstained: false, citations, cache, generator, model } }
  }
}

type Abstaining = Pick<Answer, 'language' | 'mode' | 'usage' | 'degraded' | 'isOvertaken'> & {
  readonly passages?: readonly Passage[]
  /** The model that was asked and found no answer; none was asked when nothing was near. */
  readonly model?: string | null
}

function* abstain({ passages = [], model = null, ...base }: Abstaining): Generator<AskEvent, void> {
  const text = abstention(base.language)
  yield { type: 'delta', text }
  yield { type: 'citations', citations: [] }
  const generator = model === null ? 'none' : 'llm'
  yield {
    type: 'done',
    answer: { ...base, text, abstained: true, citations: [], passages, cache: { status: 'miss' }, generator, model },
  }
}
