/** The reply the prompt asks for when the passages do not contain the answer. */
export const sentinel = 'NO_ANSWER'

export interface CitationMarkers {
  /** Takes the model's next text and returns the part that may be shown now. */
  push(text: string): string
  /** Returns the text still held back. Nothing may be pushed after it. */
  end(): string
  /** Whether the model said that the passages do not contain the answer. Final after `end`. */
  readonly abstained: boolean
  /** Passages cited so far, numbered from 1. */
  readonly cited: ReadonlySet<number>
}

/**
 * Cleans a model's text while it streams: every spelling of a citation becomes `[1][2]`, and markers of passages that
 * do not exist are removed, as is NO_ANSWER. Code, links and other brackets are left alone.
 *
 * Text passes through at once. Held back are only a possible marker (up to 16 characters from its bracket), one space,
 * and a possible start of NO_ANSWER. How the text is split into pushes does not change the result.
 */
export function createCitationMarkers(passageCount: number): CitationMarkers {
  const cited = new Set<number>()
  let [held, previous] = ['', '']
  let code: Code = outside
  let isLeading = true
  let saidSentinel = false
  let isOver = false

  function push(text: string): string {
    if (isOver) return ''
    held += text
    return release(false)
  }

  function release(isFinal: boolean): string {
    if (isLeading && !resolveLead(isFinal)) return ''
    let out = ''
    while (held !== '') {
      const step = next(isFinal)
      if (step === undefined) break
      out += step.shown
      const taken = held.slice(0, step.take)
      code = afterText(code, taken)
      previous = taken.at(-1) ?? previous
      held = held.slice(step.take)
    }
    return out
  }

  /** Shows nothing while the text may still turn out to be NO_ANSWER; false when more text is needed. */
  function resolveLead(isFinal: boolean): boolean {
    // Leading whitespace is dropped either way. Text after more than a few opening marks is an answer.
    held = held.trimStart()
    const found = findSentinel(held.replace(/^[\s"'“«*_`([]{1,32}/u, ''), isFinal)
    if (found === 'maybe') return false
    isLeading = false
    held = found > 0 ? '' : held.trimStart()
    if (found > 0) saidSentinel = isOver = true
    return true
  }

  /** Decides about the start of `held`; undefined when more text is needed. */
  function next(isFinal: boolean): Step | undefined {
    const plain = plainRun(held, code)
    if (plain > 0) return keep(held.slice(0, plain))
    const blank = held.startsWith(' ') ? 1 : 0
    const rest = held.slice(blank)
    if (rest === '') return isFinal ? keep(held) : undefined
    if (/^[[【]/.test(rest)) return marker(rest, blank, isFinal)
    if (rest.startsWith('N') && !isWord(blank ? ' ' : previous)) return strayedSentinel(rest, blank, isFinal)
    return keep(held.slice(0, blank || 1))
  }

  function strayedSentinel(rest: string, blank: number, isFinal: boolean): Step | undefined {
    const found = findSentinel(rest, isFinal)
    if (found === 'maybe') return undefined
    if (found === 0) return keep(held.slice(0, blank + 1))
    saidSentinel = true
    return { take: blank + found, shown: '' }
  }

  function marker(rest: string, blank: number, isFinal: boolean): Step | undefined {
    const found = findMarker(rest, isFinal)
    if (found === 'maybe') return undefined
    if (found === 'no') return keep(held.slice(0, blank + 1))
    const take = blank + found.length
    const known = found.numbers.filter(number => number >= 1 && number <= passageCount)
    // `array[7]` is an index, not a citation of a missing passage.
    const isIndex = found.numbers.length > 0 && blank === 0 && /[\w)]/.test(previous)
    if (known.length === 0 && isIndex) return keep(held.slice(0, take))
    for (const number of known) cited.add(number)
    const shown = known.map(number => `[${number}]`).join('')
    return { take, shown: shown === '' ? '' : held.slice(0, blank) + shown }
  }

  return {
    push,
    end() {
      const rest = isOver ? '' : release(true)
      isOver = true
      return rest
    },
    get abstained() {
      // After a cited answer it is a slip of the model; alone, or after unsupported text, it is meant.
      return saidSentinel && cited.size === 0
    },
    cited,
  }
}

/** How much of the held text is consumed, and what is shown for it. */
interface Step {
  readonly take: number
  readonly shown: string
}

function keep(text: string): Step {
  return { take: text.length, shown: text }
}

function isWord(character: string): boolean {
  return /[\p{L}\p{N}_]/u.test(character)
}

/** Length of NO_ANSWER if the text starts with it as a word; 0 if not, 'maybe' if more text is needed. */
function findSentinel(text: string, isFinal: boolean): number | 'maybe' {
  const spelled = text.replace(/^NO /, 'NO_')
  if (!isFinal && spelled.length <= sentinel.length && sentinel.startsWith(spelled)) return 'maybe'
  const following = spelled.charAt(sentinel.length)
  return spelled.startsWith(sentinel) && !isWord(following) ? sentinel.length : 0
}

const longestMarker = 16
const labels = ['passages', 'sources', 'documents', 'refs']
const markerForm =
  /^[[【]\s?\^?(?<label>\p{L}*)\s?#?(?<list>\d{1,2}(?:\s?[,;、，–—-]\s?\d{1,2})*)\s?(?:†[^\]】]*)?[\]】]/iu
/** Matches every prefix of a `markerForm` match, so that a rejected marker stays rejected whatever follows. */
const markerStart = /^[[【]\s?\^?(?<label>\p{L}*)\s?#?[\d\s,;、，–—-]*(?:†[^\]】]*)?$/iu

interface FoundMarker {
  readonly length: number
  readonly numbers: readonly number[]
}

function findMarker(text: string, isFinal: boolean): FoundMarker | 'no' | 'maybe' {
  const head = text.slice(0, longestMarker)
  const match = markerForm.exec(head)
  if (match === null) return unfinished(head, isFinal)
  if (!isLabel(match.groups?.['label'] ?? '', true)) return 'no'
  const following = text.charAt(match[0].length)
  if (following === '' && !isFinal) return 'maybe'
  // `[1](https://…)` is a link.
  if (following === '(') return 'no'
  return { length: match[0].length, numbers: numbersOf(match.groups?.['list'] ?? '') }
}

function unfinished(head: string, isFinal: boolean): FoundMarker | 'no' | 'maybe' {
  const start = markerStart.exec(head)
  if (start === null || head.length >= longestMarker || !isLabel(start.groups?.['label'] ?? '', false)) return 'no'
  // The reply was cut within a marker: half a marker is not shown.
  return isFinal ? { length: head.length, numbers: [] } : 'maybe'
}

function isLabel(letters: string, isWhole: boolean): boolean {
  const word = letters.toLowerCase()
  return (
    word === '' || labels.some(label => (isWhole ? word === label || `${word}s` === label : label.startsWith(word)))
  )
}

/** `1, 3-5` → 1, 3, 4, 5. */
function numbersOf(list: string): number[] {
  return list.split(/[,;、，]/).flatMap(part => {
    const [first = 0, last = first] = part.split(/[–—-]/).map(Number)
    return Array.from({ length: Math.max(0, last - first) + 1 }, (_, i) => first + i)
  })
}

/** The position relative to Markdown code: the backticks that opened it, and those being read now. */
interface Code {
  readonly opener: number
  readonly isFenced: boolean
  readonly ticks: number
  /** Only whitespace comes before it on this line. */
  readonly isLineStart: boolean
}

const outside: Code = { opener: 0, isFenced: false, ticks: 0, isLineStart: true }

/** Number of characters from the start that need no decision. */
function plainRun(text: string, code: Code): number {
  const settled = text.startsWith('`') ? code : afterTicks(code)
  return (settled.opener > 0 ? /^[^`\n]+|^[`\n]/ : /^[^\s[【N`]+|^[`\n\t]/).exec(text)?.[0].length ?? 0
}

function afterText(code: Code, text: string): Code {
  for (const part of text.match(/`|\n|[^`\n]+/g) ?? []) code = afterPart(code, part)
  return code
}

function afterPart(code: Code, part: string): Code {
  if (part === '`') return { ...code, ticks: code.ticks + 1 }
  const settled = afterTicks(code)
  // Inline code ends with its line, so a stray backtick does not turn the rest of the answer into code.
  if (part === '\n') return settled.isFenced ? { ...settled, isLineStart: true } : outside
  return { ...settled, isLineStart: settled.isLineStart && part.trim() === '' }
}

/** Applies a complete run of backticks: it opens code, closes it, or is part of it. */
function afterTicks(code: Code): Code {
  const { opener, isFenced, ticks, isLineStart } = code
  if (ticks === 0) return code
  if (opener === 0) return { opener: ticks, isFenced: ticks >= 3 && isLineStart, ticks: 0, isLineStart: false }
  const closes = isFenced ? ticks >= opener && isLineStart : ticks === opener
  return closes ? { ...outside, isLineStart: false } : { ...code, ticks: 0, isLineStart: false }
}

const ownMarkers = /\[(\s?\^?\d{1,2}(?:\s?[,;–—-]\s?\d{1,2}){0,9}\s?)\](?!\()/g
const codeSpans = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/

/**
 * Quoted text in which the document's own `[2]` does not look like a citation: `\[2\]`, which Markdown shows as it
 * was. Code stays, and so do links.
 */
export function withoutMarkers(quote: string): string {
  return quote
    .split(codeSpans)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(ownMarkers, (_, inner: string) => `\\[${inner}\\]`)))
    .join('')
}

const escapedMarkers = /\\\[(\s?\^?\d{1,2}(?:\s?[,;–—-]\s?\d{1,2}){0,9}\s?)\\\]/g

/** The answer for plain text, which shows no Markdown: without the backslashes of {@link withoutMarkers}. */
export function withPlainMarkers(answer: string): string {
  return answer
    .split(codeSpans)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(escapedMarkers, '[$1]')))
    .join('')
}
