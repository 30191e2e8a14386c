import { analyze, isStopWord } from '../../text/analyze.ts'
import { memoized } from '../../text/memoized.ts'
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
  const asked = memoized((i: number) => endOf(parts[i]!, language))
  const named = (i: number) => namedIn(asked(i), language)
  let count = chosen.reduce((sum, i) => sum + named(i), 0)
  // Each sentence is counted once: a text may consist of a thousand that name nothing.
  let first = chosen[0]!
  for (; first > 0 && count < leastNamed; first--) count += named(first - 1)
  chosen = [...parts.keys()].slice(first, chosen[0]).concat(chosen)
  const question = chosen.map(asked).join(' ')
  return question === text ? null : { question, text }
}

function isAsking(sentence: string): boolean {
  return /[?？؟]["'»”)\]]*$/.test(sentence)
}

/** The last clauses of a long sentence, as many as it takes to name something. */
function endOf(sentence: string, language: string): string {
  if (sentence.split(/\s+/).length <= longestQuestion) return sentence
  const clauses = sentence.split(/(?<=[,;:，；：、—–])\s*/)
  let first = clauses.length - 1
  let count = namedIn(clauses[first]!, language)
  for (; first > 0 && count < leastNamed; first--) count += namedIn(clauses[first - 1]!, language)
  return clauses.slice(first).join(' ')
}

function namedIn(text: string, language: string): number {
  const { words, language: primary } = analyze(text, language)
  return words.flatMap(({ terms }) => terms.slice(0, 1)).filter(term => !isStopWord(term, primary)).length
}
