import { analyze, isStopWord } from '../../text/analyze.ts'
import { fold, foldKazakh, stripDiacritics } from '../../text/fold.ts'
import { isSmallTalk, withoutGreetings } from '../smalltalk/small-talk.ts'
import { isAt, wordsOf } from '../smalltalk/spoken.ts'
import type { Turn } from '../terms/question.ts'
import { closers, openers, pointers } from './pointing-words.ts'

/**
 * How much a question leans on what was said before it.
 * - `wholly`: it says so, and names little itself ("and in winter?", "how long does it take?").
 * - `partly`: it begins with what it points to, and then names more.
 * - `perhaps`: it is only short. It may name something new.
 * - `hardly`: it names what it is about, and what it points to may be that.
 * - `no`: it names what it is about.
 */
export type Lean = 'wholly' | 'partly' | 'perhaps' | 'hardly' | 'no'

/** Something said before that a question may be about; the weight is what its words count compared with those of the question. */
export interface Said {
  readonly text: string
  readonly weight: number
}

/** A question with fewer content words may leave its subject unsaid. */
const fewWords = 3

export function leanOf(text: string, language: string): Lean {
  const { pointsAt, isGoingOn, isAddition } = cuesIn(text, language)
  const count = contentCount(text, language)
  const isPointing = pointsAt !== null
  if (isAddition || count === 0 || (count < fewWords && (isPointing || isGoingOn))) return 'wholly'
  // "Did he win a prize in Paris?"; but "May I keep a book until it is asked for?" says itself what it points to.
  if (isPointing && contentCount(text.slice(0, pointsAt), language) === 0) return 'partly'
  if (count < fewWords) return 'perhaps'
  return isPointing || isGoingOn ? 'hardly' : 'no'
}

/** Number of content words. A Vietnamese word is mostly two syllables, written apart. */
function contentCount(text: string, language: string): number {
  const { words, language: primary } = analyze(text, language)
  const areContent = words.flatMap(({ parts, terms }) => parts.map((_, i) => !isStopWord(terms[i] ?? '', primary)))
  if (primary !== 'vi') return areContent.filter(Boolean).length
  const runs = areContent
    .map(isContent => (isContent ? 'x' : ' '))
    .join('')
    .trim()
  return runs === '' ? 0 : runs.split(/ +/).reduce((sum, run) => sum + Math.ceil(run.length / 2), 0)
}

interface Cues {
  /** Where the first word stands that points to something; null if none does. */
  readonly pointsAt: number | null
  readonly isGoingOn: boolean
  readonly isAddition: boolean
}

function cuesIn(text: string, language: string): Cues {
  const primary = language.toLowerCase().split('-')[0] ?? ''
  const lists = listsOf(primary)
  const spoken = Array.from(wordsOf(text), each => ({ ...each, word: surfaceForm(text.slice(each.start, each.end)) }))
  const isPlain = primary === 'vi' && stripDiacritics(text) === text
  const begins = (phrase: readonly string[], at: number) => isAt(phrase, spoken, at)
  return {
    pointsAt: (isPlain ? undefined : spoken.find(({ word }) => lists.pointers.has(word)))?.start ?? null,
    isGoingOn: spoken.length > 0 && lists.openers(isPlain).some(phrase => begins(phrase, 0)),
    isAddition: lists
      .closers(isPlain)
      .some(phrase => spoken.length > phrase.length && begins(phrase, spoken.length - phrase.length)),
  }
}

/** With its accents: "è" and "e", "là" and "la" are two words. */
function surfaceForm(word: string): string {
  return foldKazakh(fold(word)).replace(/['’]/g, '')
}

interface Lists {
  readonly pointers: ReadonlySet<string>
  readonly openers: (isPlain: boolean) => readonly (readonly string[])[]
  readonly closers: (isPlain: boolean) => readonly (readonly string[])[]
}

const known = new Map<string, Lists>()

function listsOf(language: string): Lists {
  const found = known.get(language)
  if (found) return found
  const words = (pointers[language] ?? '').split(/\s+/).filter(Boolean)
  const [opening, closing] = [openers, closers].map(lists => phrasesIn(lists[language]))
  const lists: Lists = {
    pointers: new Set(words.map(surfaceForm)),
    openers: isPlain => (isPlain ? opening!.plain : opening!.typed),
    closers: isPlain => (isPlain ? closing!.plain : closing!.typed),
  }
  if (Object.hasOwn(pointers, language)) known.set(language, lists)
  return lists
}

function phrasesIn(list = '') {
  const phrases = list === '' ? [] : list.split('|')
  const typed = phrases.map(phrase =>
    Array.from(wordsOf(phrase), each => surfaceForm(phrase.slice(each.start, each.end))),
  )
  return { typed, plain: typed.map(words => words.map(stripDiacritics)) }
}

/** What the words of an earlier turn count. */
const weights = { wholly: 1, partly: 0.6, perhaps: 0.25, hardly: 0.1, no: 0 } as const
/** Of a turn between the subject and this question, and of the last answer, as shares of the subject's weight. */
const betweenFactor = 0.5
const answerFactor = 0.3

export interface Context {
  readonly lean: Lean
  /** The last turn of the asker that named something, and what was asked since; newest first. */
  readonly asked: readonly Said[]
  /** What was answered last: it may name what the asker did not. */
  readonly answered: Said | null
}

/** What a question takes up from the conversation before it. */
export function contextOf(text: string, history: readonly Turn[], language: string): Context | null {
  if (history.length === 0) return null
  const lean = leanOf(text, language)
  if (lean === 'no') return null
  const asked: Said[] = []
  for (const { content } of history.filter(turn => turn.role === 'user').toReversed()) {
    if (isSmallTalk(content)) continue
    const said = withoutGreetings(content)
    const isSubject = !leaning.has(leanOf(said, language))
    asked.push({ text: said, weight: weights[lean] * (isSubject || asked.length === 0 ? 1 : betweenFactor) })
    if (isSubject) break
  }
  const answer = history.findLast(turn => turn.role === 'assistant')
  return { lean, asked, answered: answer ? { text: answer.content, weight: weights[lean] * answerFactor } : null }
}

/** Questions that leave their subject to what was said before them. */
export const leaning: ReadonlySet<Lean> = new Set<Lean>(['wholly', 'partly'])
