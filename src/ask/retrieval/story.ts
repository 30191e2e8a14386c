import { analyze, isStopWord } from '../../text/analyze.ts'
import { sentences } from '../../text/sentences.ts'

/** A question with a tale around it, apart. */
export interface Story {
  /** The sentences that ask; as many before them as it takes to name something. */
  readonly question: string
  /** The whole text. */
  readonly text: string
}

/** A text with fewer words is a question, however it is divided. */
const fewestWords = 30
/** One sentence may hold the whole tale; what it asks is mostly at its end. */
const longestQuestion = 30
/** A question names at least so much; else the sentence before it says what it is about. */
const leastNamed = 3

/** What a long text asks: the sentences with a question mark, else the last one. Null for a text that only asks. */
export function storyOf(text: string, language: string): Story | null {
  if (text.length < fewestWords * 2) return null
  const { words } = analyze(text, language)
  if (words.length < fewestWords) return null
  const parts = sentences(text, language).map(({ start, end }) => text.slice(start, end))
  const asking = parts.flatMap((part, i) => (isAsking(part) ? [i] : []))
  let chosen = asking.length > 0 ? asking : [parts.length - 1]
  const questionOf = (indices: readonly number[]) => indices.map(i => endOf(parts[i]!, language)).join(' ')
  while (chosen[0]! > 0 && namedIn(questionOf(chosen), language) < leastNamed) chosen = [chosen[0]! - 1, ...chosen]
  const question = questionOf(chosen)
  return question === text ? null : { question, text }
}

function isAsking(sentence: string): boolean {
  return /[?？؟]["'»”)\]]*$/.test(sentence)
}

/** The last clauses of a long sentence, as many as it takes to name something. */
function endOf(sentence: string, language: string): string {
  if (sentence.split(/\s+/).length <= longestQuestion) return sentence
  const clauses = sentence.split(/(?<=[,;:，；：、—–])\s*/)
  let end = clauses.pop()!
  while (clauses.length > 0 && namedIn(end, language) < leastNamed) end = `${clauses.pop()!} ${end}`
  return end
}

function namedIn(text: string, language: string): number {
  const { words, language: primary } = analyze(text, language)
  return words.flatMap(({ terms }) => terms.slice(0, 1)).filter(term => !isStopWord(term, primary)).length
}
