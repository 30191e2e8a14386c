import type { AnswerSet, Asked } from '../answers/terms.ts'
import { hasAnswer, isExpected, openVerdictOf, verdictOf } from '../answers/verdict.ts'

/** One question as a line of questions.jsonl: what was asked, replied and decided. Documents are named, not copied. */
export function recordOf({ name }: AnswerSet, asked: Asked): object {
  const { question, reply, open } = asked
  const { expected } = question
  return {
    set: name,
    id: question.id,
    variant: question.variant,
    kind: question.kind,
    language: question.language ?? null,
    answerable: question.isAnswerable,
    question: question.text,
    turns: question.history.length,
    verdict: verdictOf(question, reply),
    open_verdict: openVerdictOf(asked),
    answer: reply.text,
    open_answer: open !== null && open !== reply ? open.text : null,
    wanted:
      expected.by === 'texts'
        ? { sources: expected.sources, texts: expected.texts }
        : { sources: [...expected.judged.keys()], texts: expected.answers },
    has_text: hasAnswer(question, reply),
    cited: reply.citations.map(each => ({ source: each.source, right: isExpected(expected, each) })),
    passages: (open ?? reply).passages.map(each => ({ source: each.source, right: isExpected(expected, each) })),
    replied_language: reply.language,
    generator: reply.generator,
    confidence: reply.confidence,
    relevance: reply.relevance,
    signals: reply.signals,
    ms: Number(reply.ms.toFixed(1)),
  }
}
