import { boldLevel } from './html/bold-headings.ts'
import type { Block } from './compose.ts'
import { cleanText } from './clean-text.ts'
import type { Content } from './content.ts'
import { isLabelledQuestion } from './questions.ts'

const longestTitle = 100

/** Reads plain text. A short first line with a blank line below it is the title. Questions of a FAQ become headings. */
export function readText(text: string): Content {
  const lines = cleanText(text)
    .split('\n')
    .map(line => line.trimEnd())
  const clean = lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+/, '')
  const end = clean.indexOf('\n')
  const firstLine = end === -1 ? '' : clean.slice(0, end).trim()
  if (!isTitle(firstLine, clean.slice(end + 1))) return { blocks: paragraphs(clean) }
  const heading: Block = { kind: 'heading', level: 1, text: firstLine }
  return { blocks: [heading, ...paragraphs(clean.slice(end + 1))] }
}

/** A line that ends in a full stop, comma or colon is a sentence, not a title. */
function isTitle(line: string, below: string): boolean {
  const isShort = line.length > 0 && line.length <= longestTitle
  return isShort && !/[.,;:…]$/.test(line) && below.startsWith('\n') && below.trim() !== ''
}

const longestQuestion = 120
/** A text is a FAQ if at least this share of its paragraphs begin with a question on a line of its own, and two do. */
const questionShare = 1 / 6

/** The text as one block, or the questions and answers of a FAQ as headings and blocks. */
function paragraphs(text: string): Block[] {
  const all = text
    .replace(/^\n+/, '')
    .split(/\n\n+/)
    .filter(paragraph => paragraph.trim() !== '')
  const asks = all.map((paragraph, i) => isAsked(paragraph, all[i + 1]))
  const count = asks.reduce((sum, isOne) => sum + (isOne ? 1 : 0), 0)
  if (count < 2 || count < all.length * questionShare) return [{ kind: 'text', text }]
  const blocks: Block[] = []
  let from = 0
  const flush = (to: number): void => {
    if (to > from) blocks.push({ kind: 'text', text: all.slice(from, to).join('\n\n') })
    from = to
  }
  for (const [i, isOne] of asks.entries()) {
    if (!isOne) continue
    flush(i)
    const [question = '', ...answer] = all[i]!.split('\n')
    blocks.push({ kind: 'heading', level: boldLevel, text: question.trim() })
    if (answer.length > 0) all[i] = answer.join('\n')
    else from += 1
  }
  flush(all.length)
  return blocks
}

/** Whether a paragraph begins with a line that is a question, and what follows is not. */
function isAsked(paragraph: string, next: string | undefined): boolean {
  const [first = '', second = next] = paragraph.split('\n', 2)
  return isQuestion(first) && second !== undefined && !isQuestion(second.split('\n', 1)[0]!)
}

function isQuestion(line: string): boolean {
  if (isLabelledQuestion(line)) return false
  return line.length <= longestQuestion && /^[\s\d.)]*[¿"«“]?[\p{Lu}\p{Lo}].*[?？]["»”]?\s*$/u.test(line)
}
