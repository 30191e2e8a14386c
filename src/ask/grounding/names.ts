/** Which words are names, by their capitals. */
import { isStopWord } from '../../text/analyze.ts'
import type { PlacedWord, ReadText } from './fact-terms.ts'

/** Whether the word at a position is a name. */
export type NameRule = (index: number) => boolean

/** Languages in which every noun has a capital. */
const capitalNouns: ReadonlySet<string> = new Set(['de'])
const startsSentence = /(?:^|[.!?…:;\n"“”«»„'‘’([*•|>])\s*$/u
const startsItem = /(?:^|\n)\s*[–—-]\s*$/u

/** A dash inside a line ("Rome – Paris") begins nothing. */
export function isSentenceStart(text: string, start: number): boolean {
  const before = text.slice(Math.max(0, start - 8), start)
  return startsSentence.test(before) || startsItem.test(start > 8 ? `.${before}` : before)
}

/** A rule for which words are names: a capital inside a sentence, or an acronym; none in a title of capitals. */
export function nameRule({ text, words, language }: Omit<ReadText, 'facts'>): NameRule {
  const capitals = words.filter(({ surface }) => /^\p{Lu}/u.test(surface)).length
  const lower = words.filter(({ surface }) => /^\p{Ll}/u.test(surface) && surface.length > 2).length
  const isTitle = words.length > 2 && lower === 0 && !/[.!?…]\s*$/u.test(text)
  return index => {
    const { surface, start, word } = words[index]!
    if (/^\p{Lu}{2,6}$/u.test(surface)) return lower > 0 || capitals === 1
    if (isTitle || capitalNouns.has(language) || !/^\p{Lu}[\p{L}\p{M}'’-]/u.test(surface)) return false
    const isStart = index === 0 || isSentenceStart(text, start)
    if (isStart && !isStartOfName(words, index, text) && !isQuotedName(text, start)) return false
    return !word.terms.every(term => isStopWord(term, language))
  }
}

const quotedName = /^["“„«'‘][^"“”„«»'‘’.!?…\n]{1,40}["”“»'’]/u

/** "The restaurant «Anchor»": quoted words after others, and too few for a sentence. */
function isQuotedName(text: string, start: number): boolean {
  if (!/[\p{Ll}\p{M}] ["“„«'‘]$/u.test(text.slice(Math.max(0, start - 3), start))) return false
  const quoted = quotedName.exec(text.slice(start - 1, start + 43))?.[0]
  return quoted !== undefined && quoted.split(/\s/).length <= 4
}

/** "Anna Petrova heads …": the second word has a capital, too; with a third, the first one may be any word. */
function isStartOfName(words: readonly PlacedWord[], index: number, text: string): boolean {
  const isNext = (at: number) => {
    const [own, next] = [words[at]!, words[at + 1]]
    return next !== undefined && /^\p{Lu}\p{Ll}/u.test(next.surface) && text.slice(own.end, next.start) === ' '
  }
  return isNext(index) && !isNext(index + 1)
}
