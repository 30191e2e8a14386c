import type { ListItem } from './passage-sentences.ts'
import type { ScoredSentence } from './sentence-scores.ts'

/** Neighbours that score this share of the quoted sentence are quoted with it. */
const neighbourShare = 0.7
/** A shorter quotation is extended by the rest of its paragraph: one sentence alone seldom reads as an answer. */
const comfortable = 240
/** A shorter sentence at the end of its paragraph is quoted with the one before it. */
const little = 60
/** The answer to a question in the text is quoted from its beginning up to this many characters. */
const wholeAnswer = 400
/** A list is quoted whole up to this many characters. */
const mostOfList = 800

/**
 * The seed with the neighbours needed to understand it, or that answer as well as it does. `siblings` are all sentences
 * of its passage.
 */
export function runAround(seed: ScoredSentence, siblings: readonly ScoredSentence[], room: number): ScoredSentence[] {
  const list = listAround(seed, siblings)
  if (list !== null) return list
  const run = [seed]
  for (;;) {
    const [before, first] = [siblings[run[0]!.position - 1], run[0]!]
    if (!before || !isNeeded(before, first, seed) || seed.end - before.start > room) break
    run.unshift(before)
  }
  for (;;) {
    const next = siblings[run.at(-1)!.position + 1]
    if (!next || !belongs(next, run, seed) || next.end - run[0]!.start > room) break
    run.push(next)
  }
  const before = siblings[run[0]!.position - 1]
  return before && run.length === 1 && saysLittle(before, seed) ? [before, seed] : run
}

/** Whether a sentence at the end of its paragraph needs the one before it to read as an answer. */
function saysLittle(before: ScoredSentence, seed: ScoredSentence): boolean {
  return isOfParagraph(before, seed, seed) && seed.end - seed.start < little && seed.end - before.start <= comfortable
}

/** Whether the sentence before `first` is of its paragraph, and may be quoted with it. */
function isOfParagraph(before: ScoredSentence, first: ScoredSentence, seed: ScoredSentence): boolean {
  if (before.section !== seed.section || first.followsBlank || !before.isSeed) return false
  return before.row === undefined && seed.row === undefined
}

/** Whether the sentence before a run is quoted with it: the run refers to it, or it answers as well. */
function isNeeded(before: ScoredSentence, first: ScoredSentence, seed: ScoredSentence): boolean {
  if (!isOfParagraph(before, first, seed)) return false
  if (seed.title.isQuestion && lengthOf([before, seed]) <= wholeAnswer) return true
  return leansOnPrevious(first.text) || before.score >= neighbourShare * seed.score
}

/** The list that the seed is an item of, or introduces, with what introduces it; null where it is not quoted whole. */
function listAround(seed: ScoredSentence, siblings: readonly ScoredSentence[]): ScoredSentence[] | null {
  if (seed.isAskedPart || seed.row !== undefined) return null
  const list = listsIn(siblings).find(({ from, to }) => from - 1 <= seed.position && seed.position <= to)
  if (list === undefined) return null
  const before = siblings[list.from - 1]
  const isOpener = before?.section === seed.section && before.kind === 'sentence' && /[:：]$/.test(before.text)
  if (seed.position < list.from && !isOpener) return null
  const isWholeMeant = list.item === 'step' || seed.ownFound.size === 0
  const whole = siblings.slice(isOpener ? list.from - 1 : list.from, list.to + 1)
  return isWholeMeant && lengthOf(whole) <= mostOfList ? whole : null
}

interface List {
  readonly item: ListItem
  readonly from: number
  to: number
  count: number
}

/** Lists of more than one item: bullets, or steps numbered from 1, with the sentences and the code between them. */
function listsIn(siblings: readonly ScoredSentence[]): List[] {
  const lists: List[] = []
  let list: List | undefined
  for (const [i, each] of siblings.entries()) {
    if (list !== undefined && endsLists(each, siblings[list.from]!)) list = undefined
    if (each.item !== null && !goesOn(list, each)) {
      list = beginsList(each) ? { item: each.item, from: i, to: i, count: 0 } : undefined
      if (list) lists.push(list)
    }
    if (list === undefined) continue
    if (each.item === list.item) list.count++
    if (each.item !== null || !each.followsBlank) list.to = i
    else if (list.item === 'bullet') list = undefined
  }
  return lists.filter(({ count }) => count > 1)
}

function endsLists({ kind, row, section }: ScoredSentence, first: ScoredSentence): boolean {
  return kind === 'heading' || row !== undefined || section !== first.section
}

function beginsList(each: ScoredSentence): boolean {
  return each.item === 'bullet' || numberOf(each) === 1
}

/** Whether an item is the next one of the list, or a bullet below a step. */
function goesOn(list: List | undefined, each: ScoredSentence): boolean {
  if (list === undefined) return false
  return each.item === 'bullet' || (list.item === 'step' && numberOf(each) === list.count + 1)
}

function numberOf({ text }: ScoredSentence): number {
  return Number(/\d+/.exec(text)?.[0])
}

function belongs(next: ScoredSentence, run: readonly ScoredSentence[], seed: ScoredSentence): boolean {
  if (next.kind === 'heading' || next.section !== seed.section) return false
  if (next.row !== undefined || seed.row !== undefined) return isRowOf(next, run.at(-1)!, seed)
  if (isAnnounced(next, run)) return true
  if (next.kind === 'code') return false
  if (next.score >= neighbourShare * seed.score && next.found.size > 0) return true
  return !next.followsBlank && lengthOf(run) < comfortable
}

/**
 * A row is quoted alone, or with the next ones that contain as much of what was asked; a header or a sentence before
 * the table with all rows if they are few.
 */
function isRowOf(next: ScoredSentence, last: ScoredSentence, seed: ScoredSentence): boolean {
  if (next.row === undefined) return false
  if (seed.row?.header) return !next.followsBlank && seed.ownFound.size > 0 && seed.ownFound.isSubsetOf(next.ownFound)
  return next.row.isOfSmallTable && (last.row !== undefined ? next.row.header !== null : /[:：]$/.test(last.text))
}

/** "The options are:" includes the following block of code or lines, up to a blank line. */
function isAnnounced(next: ScoredSentence, run: readonly ScoredSentence[]): boolean {
  const opener = run.findLastIndex(each => /[:：]$/.test(each.text))
  if (opener < 0) return false
  return opener === run.length - 1 || (!next.followsBlank && run[opener + 1]?.kind === 'sentence')
}

/** Words that refer back: alone, the sentence would not say what it is about. */
const pointers =
  /^(this|these|that|those|it|they|such|he|she|however|therefore|also|это|этот|эта|эти|он|она|они|оно|такой|такие|поэтому|однако|questo|questa|questi|tale|tali|esso|inoltre|бұл|ол|олар|điều này|đó|nó|họ)(?![\p{L}\p{M}])/iu

function leansOnPrevious(text: string): boolean {
  return pointers.test(text)
}

function lengthOf(run: readonly ScoredSentence[]): number {
  return (run.at(-1)?.end ?? 0) - (run[0]?.start ?? 0)
}
