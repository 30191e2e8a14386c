import type { AnswerQuestion, Asked, Reply } from '../../src/eval/answers/terms.ts'

/** Questions and replies of an evaluation, right unless said otherwise. */

export function question(parts: Partial<AnswerQuestion> = {}): AnswerQuestion {
  return {
    id: 'q',
    text: 'What is the PIN?',
    language: 'en',
    history: [],
    kind: 'answerable',
    isAnswerable: true,
    expected: { by: 'judgements', judged: new Map([['a', 1]]), answers: ['0000'] },
    variant: null,
    ...parts,
  }
}

export function reply(parts: Partial<Reply> = {}): Reply {
  return {
    text: 'The PIN is 0000. [1]',
    abstained: false,
    isSmalltalk: false,
    generator: 'extractive',
    language: 'en',
    citations: [{ index: 1, source: 'a', title: 'PIN', quote: 'The PIN is 0000.', text: 'The PIN is 0000.' }],
    passages: [{ source: 'a', title: 'PIN', text: 'The PIN is 0000.' }],
    confidence: null,
    relevance: 1,
    signals: { coverage: 1, cosine: null, unit: null, rerank: null },
    ms: 1,
    ...parts,
  }
}

export const refusal = (parts: Partial<Reply> = {}): Reply =>
  reply({ text: "I can't find that.", abstained: true, generator: 'none', citations: [], passages: [], ...parts })

export function asked(parts: Partial<Asked> = {}): Asked {
  const given = { question: question(), reply: reply(), ...parts }
  return { open: given.reply, ...given }
}
