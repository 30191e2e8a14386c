import { nfc } from '../../text/normal-form.ts'
import type { Block } from './blocks.ts'
import { boldLevel } from './html/bold-headings.ts'

/** "Q: … A: …" in the languages that Askwell is tested in, also numbered ("Q3:", "Question 3.", "3. Q:"). */
const labels = [
  ['Q', 'A'],
  ['Question', 'Answer'],
  ['В', 'О'],
  ['Вопрос', 'Ответ'],
  ['С', 'Ж'],
  ['Сұрақ', 'Жауап'],
  ['H', 'Đ'],
  ['Hỏi', 'Đáp'],
  ['Câu hỏi', 'Trả lời'],
  ['D', 'R'],
  ['Domanda', 'Risposta'],
] as const

const number = String.raw`(?:[ \t]?\d{1,3})?`
const either = (which: 0 | 1): string => labels.map(pair => nfc(pair[which])).join('|')
const questionLabel = new RegExp(
  String.raw`^[ \t]*(?:\d{1,3}[.)][ \t]*)?(?<label>${either(0)})${number}[ \t]*[:：.)][ \t]*(?=\S)`,
  'iu',
)
const answerLabel = new RegExp(String.raw`^[ \t]*(?<label>${either(1)})${number}[ \t]*[:：.)][ \t]*(?=\S)`, 'iu')
/** The answer may follow on the line of the question. */
const answerWithin = new RegExp(String.raw`[ \t](?<label>${either(1)})${number}[ \t]*[:：][ \t]*(?=\S)`, 'iu')

const longestLabelled = 400

/**
 * Turns questions and answers that are marked as such into headings and text, without the marks. A single pair may be
 * anything; from two pairs on it is how the document is written.
 */
export function withQuestions(blocks: readonly Block[]): readonly Block[] {
  const found = blocks.map((block, i) => pairsIn(block, blocks[i + 1]))
  const count = found.reduce((sum, { pairs }) => sum + pairs, 0)
  if (count < 2) return blocks
  return found.flatMap(({ parts }, i) => (found[i - 1]?.isOpen === true ? withoutLabel(parts) : parts))
}

/** Whether a line begins with "Q:" or the like. */
export function isLabelledQuestion(line: string): boolean {
  return questionLabel.test(line)
}

interface Found {
  readonly parts: readonly Block[]
  readonly pairs: number
  /** The last question is answered by the next block. */
  readonly isOpen: boolean
}

function pairsIn(block: Block, next: Block | undefined): Found {
  if (block.kind !== 'text') return { parts: [block], pairs: 0, isOpen: false }
  const parts: Block[] = []
  const lines = block.text.split('\n')
  let [from, pairs, isOpen] = [0, 0, false]
  const flush = (to: number): void => {
    const text = lines
      .slice(from, to)
      .join('\n')
      .replace(/^(?:[^\S\n]*\n)+/, '')
      .trimEnd()
    if (text !== '') parts.push({ ...block, text })
  }
  for (let i = 0; i < lines.length; i++) {
    const following = next?.kind === 'text' ? next.text : undefined
    const pair = pairAt(lines, i, following)
    if (pair === null) continue
    flush(i)
    parts.push({ kind: 'heading', level: boldLevel, text: pair.question })
    pairs += 1
    isOpen = pair.answerLine === lines.length
    from = pair.answerLine
    if (!isOpen) lines[from] = pair.answer
    i = from
  }
  flush(lines.length)
  return { parts: pairs === 0 ? [block] : parts, pairs, isOpen }
}

interface Pair {
  readonly question: string
  /** Its first line, without the label. */
  readonly answer: string
  /** The line that it is on; the number of lines if it is in the next block. */
  readonly answerLine: number
}

/** The longest question in lines. */
const mostLines = 4

function pairAt(lines: readonly string[], at: number, following: string | undefined): Pair | null {
  const label = questionLabel.exec(lines[at]!)
  if (label === null) return null
  const first = lines[at]!.slice(label[0].length)
  const within = answerWithin.exec(first.slice(0, longestLabelled))
  if (within !== null && areLabels(label, within)) {
    const answer = first.slice(within.index + within[0].length)
    return { question: first.slice(0, within.index).trim(), answer, answerLine: at }
  }
  for (let next = at + 1; next <= Math.min(lines.length, at + mostLines); next++) {
    const line = next === lines.length ? following : lines[next]
    const answer = line === undefined ? null : answerLabel.exec(line)
    if (answer === null || !areLabels(label, answer)) continue
    const question = [first, ...lines.slice(at + 1, next)].join(' ').replace(/\s+/g, ' ').trim()
    if (question.length > longestLabelled) return null
    return { question, answer: line!.slice(answer[0].length), answerLine: next }
  }
  return null
}

/** "Q" goes with "A", and "Question" with "Answer". */
function areLabels(question: RegExpExecArray, answer: RegExpExecArray): boolean {
  const [asked, answered] = [question, answer].map(match => match.groups!['label']!.toLowerCase())
  return labels.some(([q, a]) => q.toLowerCase() === asked && a.toLowerCase() === answered)
}

function withoutLabel([first, ...rest]: readonly Block[]): readonly Block[] {
  return first?.kind === 'text' ? [{ ...first, text: first.text.replace(answerLabel, '') }, ...rest] : []
}
