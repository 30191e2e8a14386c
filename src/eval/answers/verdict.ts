import { isRelevant } from '../metrics.ts'
import { contains, overlap, plain, shortAnswers, type Overlap } from './match.ts'
import type { AnswerQuestion, Asked, Cited, Expected, Reply, Verdict } from './terms.ts'

type Place = Pick<Cited, 'source' | 'title'>

/** Whether a document is one of those that answer the question. */
export function isExpected(expected: Expected, { source, title }: Place): boolean {
  if (expected.by === 'judgements') return isRelevant(expected.judged.get(source) ?? 0)
  return expected.sources.some(each => source.endsWith(each) || title.includes(each))
}

/** Which of the expected texts are in the answer; empty when the set names none that could be looked for. */
function textsIn(expected: Expected, answer: string): boolean[] {
  if (expected.by === 'texts') {
    const given = plain(answer)
    return expected.texts.map(text => text.split('|').some(choice => given.includes(plain(choice))))
  }
  const golds = shortAnswers(expected.answers)
  return golds.length === 0 ? [] : [golds.some(gold => contains(answer, gold))]
}

/** Null when the set names no text to look for. */
export function hasAnswer({ expected }: AnswerQuestion, { text }: Reply): boolean | null {
  const found = textsIn(expected, text)
  return found.length === 0 ? null : found.every(Boolean)
}

/** Null when the set has no gold answers. */
export function overlapOf({ expected }: AnswerQuestion, { text }: Reply): Overlap | null {
  const golds = expected.by === 'judgements' ? expected.answers : expected.texts
  return golds.length === 0 ? null : overlap(text, golds)
}

/** The rules of a small corpus, for every set: right with all the texts and one of the sources, partial with either. */
export function verdictOf({ expected, isAnswerable }: AnswerQuestion, reply: Reply): Verdict {
  if (isAnswerable === null) return 'none'
  if (!isAnswerable) return reply.abstained ? 'right' : 'false'
  if (reply.abstained) return 'refused'
  const texts = textsIn(expected, reply.text)
  const isCited = reply.citations.some(each => isExpected(expected, each))
  if (texts.every(Boolean) && isCited) return 'right'
  return texts.some(Boolean) || isCited ? 'partial' : 'wrong'
}

/** The verdict if the service had not abstained for want of relevance. */
export function openVerdictOf({ question, reply, open }: Asked): Verdict {
  return verdictOf(question, open ?? reply)
}
