/**
 * A stand-in for a language model that only knows its prompt. It answers with the sentences of the passages that share
 * most words with the question, cited as `[n]`, or with NO_ANSWER if none shares a word.
 */

export const noAnswer = 'NO_ANSWER'

/** A second sentence is only quoted if its score is at least this share of the first one's. */
const nearlyAsGood = 0.75
const sentenceLimit = 2

export function answerFrom(prompt: string): string {
  const asked = new Set(contentWords(questionIn(prompt)))
  const scored = sentencesIn(prompt).map(sentence => ({ ...sentence, score: overlap(asked, sentence.text) }))
  const best = Math.max(0, ...scored.map(sentence => sentence.score))
  if (best === 0) return noAnswer
  const chosen = scored.filter(sentence => sentence.score >= best * nearlyAsGood)
  chosen.sort((a, b) => b.score - a.score)
  return chosen
    .slice(0, sentenceLimit)
    .map(sentence => `${sentence.text} [${sentence.passage}]`)
    .join(' ')
}

interface Sentence {
  readonly passage: string
  readonly text: string
}

function sentencesIn(prompt: string): Sentence[] {
  const passages = prompt.matchAll(/<passage\b[^>]*?\bn="(\d+)"[^>]*>([\s\S]*?)<\/passage>/g)
  return [...passages].flatMap(([, passage = '', text = '']) =>
    split(text).map(sentence => ({ passage, text: sentence })),
  )
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'sentence' })

function split(text: string): string[] {
  return [...segmenter.segment(text)].map(({ segment }) => segment.trim()).filter(segment => segment !== '')
}

/** The last question in the prompt, because earlier ones may be history or examples. */
function questionIn(prompt: string): string {
  return (
    prompt
      .split(/Question:/i)
      .at(-1)
      ?.trim()
      .split(/\n\s*\n/)[0] ?? ''
  )
}

/** Share of the question's words that the sentence has, slightly less for a longer sentence. */
function overlap(asked: ReadonlySet<string>, sentence: string): number {
  const words = contentWords(sentence)
  const shared = new Set(words.filter(word => asked.has(word))).size
  return shared === 0 ? 0 : shared / Math.max(1, asked.size) - words.length / 10_000
}

/**
 * The first five letters of each word, so that endings do not matter. Short words are mostly grammar and are left out.
 */
function contentWords(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  const long = words.filter(word => !grammar.has(word) && (word.length > 3 || /\d/.test(word)))
  return (long.length > 0 ? long : words).map(word => word.slice(0, 5))
}

const grammar = new Set(
  'what when where which with from that this have does your will there their about into'.split(' '),
)
