import { sentences } from '../../text/sentences.ts'
import { analyze } from '../../text/analyze.ts'

/** A chunk of the collection that questions are made from. */
export interface SampledChunk {
  readonly chunkId: number
  readonly documentId: string
  /** Title of the document and headings, joined by " › ". */
  readonly title: string
  readonly language: string
  readonly text: string
  /** Offset of the text in its document. */
  readonly start: number
}

/** A question made from a chunk, and what is left of the chunk to answer it. */
export interface SyntheticQuestion {
  readonly chunk: SampledChunk
  readonly text: string
  /** Title and text of the chunk without what the question was made of. */
  readonly left: { readonly title: string; readonly text: string }
  /** It was written as a question, such as one of a list of frequent ones. */
  readonly isQuestion: boolean
  /** Where the question stands in the document; null for a title. */
  readonly span: { readonly start: number; readonly end: number } | null
}

const separator = ' › '
/** Words of a title, or of a sentence, that can be asked about. */
const fewestWords = 3
const mostWords = 40
/** Characters of text that must be left to answer from. */
const shortestLeft = 40

/**
 * Makes a question of each chunk that has one: of its title or of one of its sentences, by turns. What the question is
 * made of is taken out of the chunk (the inverse cloze task: Lee, Chang & Toutanova 2019, arXiv 1906.00300); otherwise
 * every retriever would find it by the letter.
 */
export function syntheticQuestions(chunks: readonly SampledChunk[]): SyntheticQuestion[] {
  return chunks.flatMap((chunk, index) => {
    const [title, sentence] = [titleQuestion(chunk), sentenceQuestion(chunk)]
    const isTitleFirst = index % 2 === 1 || title?.isQuestion === true
    const question = isTitleFirst ? (title ?? sentence) : (sentence ?? title)
    return question === null ? [] : [question]
  })
}

/** The last heading, or the title of the document. The headings above it stay with the text. */
function titleQuestion(chunk: SampledChunk): SyntheticQuestion | null {
  const headings = chunk.title.split(separator)
  const text = headings.pop()?.trim() ?? ''
  const left = withoutLine(chunk.text, text)
  if (!isAskable(text, chunk.language) || left.length < shortestLeft) return null
  const isQuestion = /[?？؟]$/.test(text)
  return { chunk, text, left: { title: headings.join(separator), text: left }, isQuestion, span: null }
}

/** A sentence from the middle: what stands at the ends of a chunk often leans on others. */
function sentenceQuestion(chunk: SampledChunk): SyntheticQuestion | null {
  const { text, language, title, start } = chunk
  const spans = sentences(text, language)
  const middle = spans.length / 2
  const byDistance = spans.map((_, i) => i).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b)
  for (const index of byDistance) {
    const span = spans[index]!
    const asked = text.slice(span.start, span.end).trim()
    if (!isAskable(asked, language)) continue
    // Only then: a text of a thousand sentences that are none would be copied a thousand times.
    const left = `${text.slice(0, span.start)} ${text.slice(span.end)}`.trim()
    if (left.length < shortestLeft) continue
    const inDocument = { start: start + span.start, end: start + span.end }
    return { chunk, text: asked, left: { title, text: left }, isQuestion: false, span: inDocument }
  }
  return null
}

function isAskable(text: string, language: string): boolean {
  if (text.length < 8 || text.length > 400) return false
  const words = analyze(text, language).words.filter(({ parts, hasDigit }) => parts.length > 0 && !hasDigit)
  return words.length >= fewestWords && words.length <= mostWords
}

function withoutLine(text: string, line: string): string {
  return text
    .split('\n')
    .filter(each => each.trim() !== line)
    .join('\n')
    .trim()
}
