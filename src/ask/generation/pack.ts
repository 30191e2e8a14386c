import { analyze, comparedTerms } from '../../text/analyze.ts'
import { countTokens } from '../../text/count-tokens.ts'
import { sentences, type Span } from '../../text/sentences.ts'
import type { Passage, Unit } from '../terms/passage.ts'
import { headerWhenCut } from './table-rows.ts'

export interface PackOptions {
  /** Budget for all passages with their titles, in tokens of the chat models. */
  readonly maxTokens?: number
  readonly maxPassages?: number
  /** Used to find the best part of a long passage that has no window. */
  readonly question?: string
  /** Called once when a passage was dropped or trimmed for lack of room. */
  readonly onCut?: () => void
}

/** Tokens of the XML element around a passage. */
const tokensAround = 14
/** A shorter excerpt is not worth including. */
const minTokens = 40

/**
 * The passages shown to the model: the best ones within a budget, in their order. One that does not fit is trimmed to
 * whole sentences around its best part, so its `text` is still the stored text from `start` to `end`. Repeated text
 * (boilerplate of several documents) is left out.
 */
export function pack(
  passages: readonly Passage[],
  { maxTokens = 1500, maxPassages = 5, question = '', onCut = () => {} }: PackOptions = {},
): Passage[] {
  const packed: Passage[] = []
  let left = maxTokens
  let isCut = false
  for (const passage of passages) {
    if (packed.length === maxPassages) break
    if (packed.some(other => other.text === passage.text)) continue
    const room = left - tokensAround - countTokens(`${passage.title} ${passage.tableHeader ?? ''}`)
    const tokens = tokensOf(passage)
    const fitting = tokens <= room ? passage : cutInto(room, passage, question, packed.length === 0)
    isCut ||= fitting !== passage
    if (fitting === undefined) continue
    packed.push(fitting)
    left = room - (fitting === passage ? tokens : tokensOf(fitting))
  }
  if (isCut) onCut()
  return packed
}

function tokensOf({ tokens, text }: Passage): number {
  return tokens ?? countTokens(text)
}

function cutInto(room: number, passage: Passage, question: string, isFirst: boolean): Passage | undefined {
  if (room < minTokens && !isFirst) return undefined
  const span = spanWithin(room, passage, question) ?? (isFirst ? wordsWithin(room, passage.text) : undefined)
  return span && trimmed(passage, span)
}

/** Whole sentences: the best one, then its neighbours in turn while they fit. */
function spanWithin(room: number, passage: Passage, question: string): Span | undefined {
  const { text } = passage
  const spans = sentences(text, passage.language)
  let first = bestSentence(spans, passage, question)
  let last = first
  const fits = (from: number, to: number) => {
    const [start, end] = [spans[from], spans[to]]
    return start !== undefined && end !== undefined && countTokens(text.slice(start.start, end.end)) <= room
  }
  if (!fits(first, last)) return undefined
  for (;;) {
    // The text after a sentence usually explains it better than the text before it.
    if (fits(first, last + 1)) last++
    else if (fits(first - 1, last)) first--
    else break
    if (fits(first - 1, last)) first--
  }
  return { start: spans[first]!.start, end: spans[last]!.end }
}

function bestSentence(spans: readonly Span[], passage: Passage, question: string): number {
  const best = nearestUnit(passage) ?? passage.windows.toSorted((a, b) => b.similarity - a.similarity)[0]
  if (best) {
    const start = best.start - passage.start
    return Math.max(
      0,
      spans.findIndex(span => span.end > start),
    )
  }
  const asked = new Set(comparedTerms(analyze(question, passage.language)))
  const shared = spans.map(
    ({ start, end }) =>
      new Set(comparedTerms(analyze(passage.text.slice(start, end), passage.language))).intersection(asked).size,
  )
  return shared.indexOf(Math.max(...shared))
}

/** By the reranker's score where it read them, else by similarity. */
function nearestUnit({ units = [] }: Passage): Span | undefined {
  const valueOf = ({ rerank, similarity }: Unit) => [rerank ?? -Infinity, similarity ?? -Infinity] as const
  return units.toSorted((a, b) => {
    const [[rerankA, similarityA], [rerankB, similarityB]] = [valueOf(a), valueOf(b)]
    return rerankA === rerankB ? similarityB - similarityA : rerankB - rerankA
  })[0]
}

/** For a single very long sentence: as many words from its start as fit. */
function wordsWithin(room: number, text: string): Span | undefined {
  const ends = Array.from(text.matchAll(/\S+/gu), match => match.index + match[0].length)
  let [fits, tooLong] = [-1, ends.length]
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2)
    if (countTokens(text.slice(0, ends[middle])) <= room) fits = middle
    else tooLong = middle
  }
  return fits < 0 ? undefined : { start: text.search(/\S/u), end: ends[fits]! }
}

function trimmed({ tokens: _whole, tableHeader: before, ...passage }: Passage, span: Span): Passage {
  const tableHeader = headerWhenCut(passage.text, span.start, before)
  const start = passage.start + span.start
  const end = passage.start + span.end
  const within = <P extends Span>(parts: readonly P[]): P[] =>
    parts
      .filter(part => part.start < end && part.end > start)
      .map(part => ({ ...part, start: Math.max(part.start, start), end: Math.min(part.end, end) }))
  const text = passage.text.slice(span.start, span.end)
  return {
    ...passage,
    text,
    start,
    end,
    windows: within(passage.windows),
    ...(passage.units && { units: within(passage.units) }),
    ...(tableHeader !== undefined && { tableHeader }),
  }
}
