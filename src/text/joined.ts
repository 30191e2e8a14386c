/**
 * Words that some write joined and others apart: "wifi" and "wi fi", "log in" and "login", and the compounds of
 * languages such as German. Only the documents tell which of them are words, so these are candidates: the store uses
 * those that the collection has.
 */
import { keepsLetters, stem } from './stem.ts'

/** A word of a question, read as two: their terms, and whether each is a content word. */
export interface Split {
  readonly terms: readonly [string, string]
  readonly areContent: readonly [boolean, boolean]
  /** The two need not stand next to each other in any document: the language joins words freely. */
  readonly isCompound: boolean
}

/** A word as it was typed, folded, and its term. */
export interface TypedWord {
  readonly typed: string
  readonly term: string
}

type IsStopWord = (term: string) => boolean

/** Scripts that write spaces between words. */
const joinable = /^[\p{scx=Latin}\p{scx=Cyrillic}\p{scx=Greek}\p{scx=Armenian}\p{scx=Georgian}]+$/u
const shortest = 4
const longest = 30

/** Languages that write compounds as one word. */
const compounding: ReadonlySet<string> = new Set(['de', 'nl', 'sv', 'da', 'no', 'nb', 'nn', 'fi', 'hu', 'is'])
/** What stands between the parts of a compound ("Bibliotheksausweis"), the longest first. */
const links: Readonly<Record<string, readonly string[]>> = {
  de: ['es', 'en', 'er', 's', 'n', 'e'],
  nl: ['en', 's', 'e'],
  sv: ['s', 'e', 'o', 'u'],
  da: ['s', 'e'],
  no: ['s', 'e'],
}
/** A compound is longer than its part by at least this many letters: less is an ending. */
export const shortestRest = 3
/** Shorter parts of compounds are mostly endings. */
const shortestPart = 4

export function joinsWords(language: string): boolean {
  return compounding.has(language)
}

/**
 * What two adjacent words are when they are written as one. The first has to be a content word: "log in" and "check
 * out" are written joined, "in form" is not "inform".
 */
export function joinedOf([first, second]: readonly [TypedWord, TypedWord], language: string, isStop: IsStopWord) {
  const joined = first.typed + second.typed
  const isOne =
    joined.length >= shortest && joined.length <= longest && joinable.test(joined) && keepsLetters(joined, language)
  return isOne && !isStop(first.term) ? stem(joined, language) : undefined
}

/** The ways to read a word as two. */
export function splitsOf({ typed }: TypedWord, language: string, isStop: IsStopWord): Split[] {
  if (typed.length < shortest || typed.length > longest || !joinable.test(typed) || !keepsLetters(typed, language))
    return []
  const isCompound = compounding.has(language)
  const splits: Split[] = []
  const add = (left: string, right: string) => {
    const terms = [stem(left, language), stem(right, language)] as const
    const areContent = [!isStop(terms[0]), !isStop(terms[1])] as const
    if (areContent[0] || areContent[1])
      splits.push({
        terms,
        areContent,
        isCompound: isCompound && left.length >= shortestPart && right.length >= shortestPart,
      })
  }
  for (let at = 1; at <= typed.length - 2; at++) {
    const [left, right] = [typed.slice(0, at), typed.slice(at)]
    add(left, right)
    if (!isCompound || right.length < shortestPart) continue
    for (const link of links[language] ?? [])
      if (left.endsWith(link) && at - link.length >= shortestPart) add(left.slice(0, -link.length), right)
  }
  return splits
}
