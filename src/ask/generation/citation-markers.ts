/** What the prompt tells the model to say when the passages do not hold the answer. */
export const sentinel = 'NO_ANSWER'

export interface CitationMarkers {
  /** The model's next words in, what may be shown of them out. */
  push(text: string): string
  /** What was still held back. Nothing may be pushed after it. */
  end(): string
  /** The model said that the passages do not hold the answer. Final after `end`. */
  readonly abstained: boolean
  /** Passages that were cited so far, from 1. */
  readonly cited: ReadonlySet<number>
}

/**
 * Cleans a model's text while it streams: every spelling of a citation becomes `[1][2]`, markers of passages that
 * do not exist go, and so does NO_ANSWER. Words go through at once; held back is only what may become a marker
 * (up to 16 characters from a bracket on), one blank, and the beginning of NO_ANSWER. How the text is cut into
 * pushes makes no difference to what comes out. Code, links and other brackets are left alone.
 */
export function createCitationMarkers(passageCount: number): CitationMarkers {
  const cited = new Set<number>()
  let held = ''
  let previous = ''
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
    if (isLeading && !decideLead(isFinal)) return ''
    let out = ''
    while (held !== '') {
      const step = next(isFinal)
      if (step === undefined) break
      out += step.say
      const taken = held.slice(0, step.take)
      code = afterText(code, taken)
      previous = taken.at(-1) ?? previous
      held = held.slice(step.take)
    }
    return out
  }

  /** Nothing is shown while the text may still turn out to be NO_ANSWER; false: more is needed. */
  function decideLead(isFinal: boolean): boolean {
    // Blanks in front are dropped either way; more signs than a few, and what follows them is an answer.
    held = held.trimStart()
    const found = findSentinel(held.replace(/^[\s"'“«*_`([]{1,32}/u, ''), isFinal)
    if (found === 'maybe') return false
    isLeading = false
    held = found > 0 ? '' : held.trimStart()
    if (found > 0) saidSentinel = isOver = true
    return true
  }

  /** What to do with the beginning of `held`; undefined: more is needed to tell. */
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
    return { take: blank + found, say: '' }
  }

  function marker(rest: string, blank: number, isFinal: boolean): Step | undefined {
    const found = findMarker(rest, isFinal)
    if (found === 'maybe') return undefined
    if (found === 'no') return keep(held.slice(0, blank + 1))
    const take = blank + found.length
    const known = found.numbers.filter(number => number >= 1 && number <= passageCount)
    // `array[7]`: an index rather than a citation that points nowhere.
    const isGlued = blank === 0 && /[\w)\]]/.test(previous)
    if (known.length === 0 && isGlued && found.numbers.length > 0 && previous !== ']') return keep(held.slice(0, take))
    for (const number of known) cited.add(number)
    const say = known.map(number => `[${number}]`).join('')
    return { take, say: say === '' ? '' : held.slice(0, blank) + say }
  }

  return {
    push,
    end() {
      const rest = isOver ? '' : release(true)
      isOver = true
      return rest
    },
    get abstained() {
      // After a cited answer it is a slip of the model; alone, or after words without support, it is meant.
      return saidSentinel && cited.size === 0
    },
    cited,
  }
}

/** How much of the held text is done with, and what is said in its place. */
interface Step {
  readonly take: number
  readonly say: string
}

function keep(text: string): Step {
  return { take: text.length, say: text }
}

function isWord(character: string): boolean {
  return /[\p{L}\p{N}_]/u.test(character)
}

/** Whether the text begins with NO_ANSWER as a word: its length, 0 for no, or not known yet. */
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
/** Every beginning of what fits `markerForm`, so that a refusal stays one whatever follows. */
const markerStart = /^[[【]\s?\^?(?<label>\p{L}*)\s?#?[\d\s,;、，–—-]*(?:†[^\]】]*)?$/iu

interface FoundMarker {
  readonly length: number
  readonly numbers: readonly number[]
}

function findMarker(text: string, isFinal: boolean): FoundMarker | 'no' | 'maybe' {
  const near = text.slice(0, longestMarker)
  const match = markerForm.exec(near)
  if (match === null) return unfinished(near, isFinal)
  if (!isLabel(match.groups?.['label'] ?? '', true)) return 'no'
  const following = text.charAt(match[0].length)
  if (following === '' && !isFinal) return 'maybe'
  // `[1](https://…)` is a link.
  if (following === '(') return 'no'
  return { length: match[0].length, numbers: numbersOf(match.groups?.['list'] ?? '') }
}

function unfinished(near: string, isFinal: boolean): FoundMarker | 'no' | 'maybe' {
  const start = markerStart.exec(near)
  if (start === null || near.length >= longestMarker || !isLabel(start.groups?.['label'] ?? '', false)) return 'no'
  // A reply that was cut within a marker: half a marker is nothing to show.
  return isFinal ? { length: near.length, numbers: [] } : 'maybe'
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

/** Where in Markdown's code we are: backticks that opened it, and those that are just being read. */
interface Code {
  readonly opener: number
  readonly isFence: boolean
  readonly ticks: number
  /** Only blanks stand before on this line. */
  readonly isLineStart: boolean
}

const outside: Code = { opener: 0, isFence: false, ticks: 0, isLineStart: true }

/** Characters from the start of the text that need no thought. */
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
  // A stray backtick must not turn the rest of the answer into code: code in a line ends with the line.
  if (part === '\n') return settled.isFence ? { ...settled, isLineStart: true } : outside
  return { ...settled, isLineStart: settled.isLineStart && part.trim() === '' }
}

/** A run of backticks has ended: it opens code, closes it, or is part of it. */
function afterTicks(code: Code): Code {
  const { opener, isFence, ticks, isLineStart } = code
  if (ticks === 0) return code
  if (opener === 0) return { opener: ticks, isFence: ticks >= 3 && isLineStart, ticks: 0, isLineStart: false }
  const closes = isFence ? ticks >= opener && isLineStart : ticks === opener
  return closes ? { ...outside, isLineStart: false } : { ...code, ticks: 0, isLineStart: false }
}
