import { detectLanguage } from '../../text/language.ts'
import { stopWords } from '../../text/stop-words.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question } from '../terms/question.ts'
import { addressees, everywhere, phrases, replies, signs, type Kind } from './phrases.ts'
import { isAt, listed, wordsOf, type Spoken } from './spoken.ts'

export interface SmallTalk {
  readonly kind: Kind
  readonly language: string
  /** The polite line. */
  readonly reply: string
}

/** The meanings of a phrase: "super" is said in three languages. */
type Meaning = { readonly language: string; readonly kind: Kind }

interface Phrase {
  readonly words: readonly string[]
  readonly meanings: readonly Meaning[]
}

/** Longer texts are not only small talk, and what is said before or after a question is shorter. */
const longest = 200

/** The reply to a text that asks nothing: a greeting, thanks, a goodbye. Null for a question. */
export function smallTalkOf(question: Question, collection: Pick<AskedCollection, 'languages'>): SmallTalk | null {
  const said = saidIn(question.text)
  if (said === null) return null
  const language = languageOf(said, question, collection)
  const kind = kindOf(said, language)
  return { kind, language, reply: replies[language]![kind] }
}

/** Whether a text is a greeting, thanks or the like, and asks nothing. */
export function isSmallTalk(text: string): boolean {
  return saidIn(text) !== null
}

/**
 * A question without the greeting before it and the thanks after it: their words are not what is asked. A text with
 * nothing else stays as it is.
 */
export function withoutGreetings(text: string): string {
  const rest = withoutThanks(withoutGreeting(text))
  return rest === text || !hasWord.test(rest) || isSmallTalk(text) ? text : rest
}

const hasWord = /[\p{L}\p{N}]/u

/** The phrases that the whole text consists of; null if there is anything else in it, or nothing. */
function saidIn(text: string): readonly (readonly Meaning[])[] | null {
  // Who says a number with it names something.
  if (text.length > longest || /\p{N}/u.test(text)) return null
  const [first] = wordsOf(text)
  if (first === undefined) return signsIn(text)
  // Nearly every question ends here.
  if (!mayBegin(first) || quote.test(text)) return null
  const spoken = [...wordsOf(text)]
  const said: (readonly Meaning[])[] = []
  for (let at = 0; at < spoken.length;) {
    const phrase = phraseAt(spoken, at)
    if (phrase) said.push(phrase.meanings)
    const length = phrase?.words.length ?? (said.length > 0 ? addresseeAt(spoken, at) : 0)
    if (length === 0) return null
    at += length
  }
  return said
}

/** Someone who quotes a greeting asks about it. */
const quote = /["«»“”„`‘]|(?<![\p{L}\p{M}])['’]/u

function signsIn(text: string): readonly (readonly Meaning[])[] | null {
  if (!picture.test(text)) return null
  const kinds = Object.keys(signs).filter(sign => text.includes(sign))
  if (kinds.length === 0) return null
  return kinds.map(sign => Object.keys(replies).map(language => ({ language, kind: signs[sign]! })))
}

const picture = /\p{Extended_Pictographic}/u

/** The language asked for, else one in which all of it is said: that of the conversation or the documents comes first. */
function languageOf(
  said: readonly (readonly Meaning[])[],
  { language, history }: Question,
  { languages }: Pick<AskedCollection, 'languages'>,
): string {
  const primary = language?.toLowerCase().split('-')[0] ?? ''
  if (Object.hasOwn(replies, primary)) return primary
  const spokenIn = said.map(meanings => new Set(meanings.map(each => each.language)))
  const common = spokenIn.reduce((all, each) => all.intersection(each))
  const possible = common.size > 0 ? common : (spokenIn.find(each => each.size < Object.keys(replies).length) ?? common)
  if (possible.size === 1) return [...possible][0]!
  const before = history.findLast(turn => turn.role === 'user' && !isSmallTalk(turn.content))
  const expected = [...(before ? [detectLanguage(before.content, { among: languages })] : []), ...languages]
  return expected.find(each => possible.has(each)) ?? [...possible][0] ?? 'en'
}

/** Who says several things is replied to the weightiest: "Hello, who are you?", "Thanks, bye". */
const byWeight: readonly Kind[] = ['identity', 'wellbeing', 'goodbye', 'thanks', 'greeting', 'fine']

function kindOf(said: readonly (readonly Meaning[])[], language: string): Kind {
  const kinds = said.map(meanings => (meanings.find(each => each.language === language) ?? meanings[0]!).kind)
  return byWeight.find(kind => kinds.includes(kind)) ?? 'greeting'
}

function withoutGreeting(text: string): string {
  const [first] = wordsOf(text)
  if (first === undefined || !mayBegin(first) || quote.test(text.slice(0, first.start))) return text
  const words = take(wordsOf(text), mostGreeted)
  let [at, end] = [0, 0]
  for (;;) {
    const phrase = phraseAt(words, at)
    const kinds = new Set(phrase?.meanings.map(({ kind }) => kind))
    if (!phrase || !leading.some(kind => kinds.has(kind))) break
    const after = at + phrase.words.length
    const addressed = after + addressedAt(words, after, text)
    if (isApart(words, addressed, text)) at = addressed
    else if (isApart(words, after, text) || isBeforeQuestion(phrase, words, after, text)) at = after
    else break
    end = at
  }
  return end === 0 ? text : text.slice(words[end - 1]!.end).replace(separators, '')
}

const leading: readonly Kind[] = ['greeting', 'thanks', 'fine', 'wellbeing']
/** Words that a greeting with the name of the one addressed may have. */
const mostGreeted = 24

/** Whether the word at `at` is separated from the one before it: by a sign of punctuation, a picture or a line. */
function isApart(words: readonly Spoken[], at: number, text: string): boolean {
  return apart.test(gapBefore(words, at, text) ?? '')
}

/** What stands between the word at `at` and the one before it; null if one of them is missing. */
function gapBefore(words: readonly Spoken[], at: number, text: string): string | null {
  const [before, next] = [words[at - 1], words[at]]
  return before && next ? text.slice(before.end, next.start) : null
}

/** Not the signs within a name: "hello.py", "hello_world", "ok/cancel". */
const apart = /^[,!?…]|(?:^|\s)[.,;:!?…]+\s|[。！？，、；：؟،—\n]|\s[-–]+\s|[:;]-?[()]|\p{Extended_Pictographic}/u
/** From the end of a greeting on. What follows may begin with a sign of its own: ".NET", "__init__", "(a)", "404". */
const separators =
  /^[.,;:!?…)]*(?:[\s。！？，、；：؟،—]|[.,;:!?…\-–]+(?=\s)|[:;]-?[()]|\p{Extended_Pictographic}|\p{EMod}|\u200d|\ufe0f)*/u

/** "hello how do I …": without a sign between them, a function word shows that the question begins here. */
function isBeforeQuestion(
  { words: said, meanings }: Phrase,
  words: readonly Spoken[],
  at: number,
  text: string,
): boolean {
  const next = words[at]
  const isGreeting = meanings.some(({ kind }) => kind === 'greeting' || kind === 'thanks')
  if (next === undefined || !isGreeting || !/^[\s"'“„()]*$/.test(gapBefore(words, at, text) ?? '')) return false
  return said.length >= 3 || meanings.some(({ language }) => functionWords(language).has(next.word))
}

const functionWordsOf = new Map<string, ReadonlySet<string>>()

function functionWords(language: string): ReadonlySet<string> {
  const known = functionWordsOf.get(language)
  if (known) return known
  // Of scripts without spaces the first letter is compared.
  const words = new Set(stopWords(language).flatMap(word => [...wordsOf(word)].slice(0, 1).map(each => each.word)))
  functionWordsOf.set(language, words)
  return words
}

/** How many words name the one addressed: "Hi there,", "Hello Anna,", "Здравствуйте, Мария Ивановна!". */
function addressedAt(words: readonly Spoken[], at: number, text: string): number {
  const known = addresseeAt(words, at)
  if (known > 0) return known
  for (const count of [1, 2]) {
    const name = words.slice(at, at + count)
    const isName = name.length === count && name.every(({ start }) => /^\p{Lu}/u.test(text.slice(start, start + 2)))
    if (!isName || words.length < at + count + 2) return 0
    if (/^[,!]/.test(text.slice(name.at(-1)!.end, words[at + count]!.start))) return count
  }
  return 0
}

/** "… Thanks!", "…, спасибо", "… Have a nice day": after the end of a sentence, thanks also after a comma. */
function withoutThanks(text: string): string {
  const tail = text.slice(-longestThanks)
  if (!mayEndWithThanks.test(tail)) return text
  for (const { index, 0: sign } of tail.matchAll(sentenceEnd)) {
    const start = text.length - tail.length + index
    const said = saidIn(text.slice(start + sign.length))
    if (!said || !hasWord.test(text.slice(0, start))) continue
    const kinds = said.flatMap(meanings => meanings.map(({ kind }) => kind))
    const isThanks = kinds.every(kind => kind === 'thanks' || kind === 'goodbye')
    if (isThanks || (sign !== ',' && sign !== '，'))
      return text.slice(0, sign === ',' || sign === '，' ? start : start + 1)
  }
  return text
}

const longestThanks = 80
/** A sign with words after it. */
const mayEndWithThanks = /[.?!。？！,，\n][^.?!。？！,，\n]*[\p{L}\p{Extended_Pictographic}]/u
const sentenceEnd = /[.?!。？！,，\n]+/gu

const byFirstWord = new Map<string, Phrase[]>()
const addresseesByFirstWord = new Map<string, (readonly string[])[]>()

function mayBegin({ word }: Spoken): boolean {
  if (byFirstWord.size === 0) readPhrases()
  return byFirstWord.has(word)
}

/** The longest phrase that begins here. */
function phraseAt(spoken: readonly Spoken[], at: number): Phrase | undefined {
  return byFirstWord.get(spoken[at]?.word ?? '')?.find(({ words }) => isAt(words, spoken, at))
}

/** How many words from here on say whom the phrase before is addressed to. */
function addresseeAt(spoken: readonly Spoken[], at: number): number {
  return addresseesByFirstWord.get(spoken[at]?.word ?? '')?.find(words => isAt(words, spoken, at))?.length ?? 0
}

function readPhrases(): void {
  const meanings = new Map<string, Meaning[]>()
  const add = (list: string, meaning: Meaning) => {
    for (const words of listed(list)) {
      const key = words.join(' ')
      meanings.set(key, [...(meanings.get(key) ?? []), meaning])
    }
  }
  for (const [language, kinds] of Object.entries(phrases))
    for (const [kind, list] of Object.entries(kinds)) add(list, { language, kind: kind as Kind })
  for (const language of Object.keys(phrases)) add(everywhere, { language, kind: 'fine' })
  for (const [key, of] of meanings) {
    const words = key.split(' ')
    addTo(byFirstWord, words, { words, meanings: of })
  }
  for (const words of listed(addressees)) addTo(addresseesByFirstWord, words, words)
  for (const list of byFirstWord.values()) list.sort((a, b) => b.words.length - a.words.length)
  for (const list of addresseesByFirstWord.values()) list.sort((a, b) => b.length - a.length)
}

function addTo<T>(lists: Map<string, T[]>, [first = '']: readonly string[], phrase: T): void {
  lists.set(first, [...(lists.get(first) ?? []), phrase])
}

function take(words: Iterable<Spoken>, count: number): Spoken[] {
  const taken: Spoken[] = []
  for (const word of words) {
    taken.push(word)
    if (taken.length === count) break
  }
  return taken
}
