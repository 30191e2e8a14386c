import { quotedAnswer, type Extracted } from './quotes.ts'
import type { AnswerRequest } from './generate.ts'
import type { Passage } from '../terms.ts'
import { scoredSentences, type ScoredSentence } from './sentence-scores.ts'

/** A further passage is quoted when its best sentence scores this share of the best one, and adds something asked. */
const worthShare = 0.7
/** Neighbours that score this share of the quoted sentence are quoted with it. */
const neighbourShare = 0.7
const maxPassages = 3
const maxCharacters = 800
/** A shorter quotation is extended by the rest of its paragraph: one sentence alone seldom reads as an answer. */
const comfortable = 240

/**
 * Answers with quoted sentences: the best one, neighbours that score as well, what it announces with a colon, and
 * passages that contain something asked that the first does not. Best first, each run cited. Empty when no sentence
 * contains anything asked.
 */
export async function extractFrom({ asked, passages }: AnswerRequest): Promise<Extracted> {
  const sentences = scoredSentences(asked, passages)
  const [best, ...others] = bestOfEachPassage(sentences)
  if (!best) return { text: '', citations: [] }
  const runs = [runAround(best, sentences, maxCharacters)]
  for (const seed of others) {
    const room = maxCharacters - runs.reduce((sum, run) => sum + lengthOf(run), 0)
    if (runs.length === maxPassages || seed.score < worthShare * best.score || room < seed.text.length) break
    if (addsSomethingAsked(seed, runs)) runs.push(runAround(seed, sentences, room))
  }
  return quotedAnswer(inReadingOrder(runs, passages), passages)
}

function bestOfEachPassage(sentences: readonly ScoredSentence[]): ScoredSentence[] {
  const groups = Map.groupBy(
    sentences.filter(each => each.isSeed && each.score > 0),
    each => each.passageIndex,
  )
  return Array.from(groups.values(), group => group.reduce((a, b) => (b.score > a.score ? b : a))).sort(
    (a, b) => b.score - a.score,
  )
}

/** Best first, except that runs of one document stay together, in the order of its text. */
function inReadingOrder(runs: readonly ScoredSentence[][], passages: readonly Passage[]): ScoredSentence[][] {
  const positionOf = (run: readonly ScoredSentence[]) => {
    const passage = passages[run[0]?.passageIndex ?? 0]
    return { document: passage?.documentId ?? '', start: (passage?.start ?? 0) + (run[0]?.start ?? 0) }
  }
  const byDocument = Map.groupBy(runs, run => positionOf(run).document)
  return [...byDocument.values()].flatMap(group => group.sort((a, b) => positionOf(a).start - positionOf(b).start))
}

/** The seed with the neighbours needed to understand it, or that answer as well as it does. */
function runAround(seed: ScoredSentence, sentences: readonly ScoredSentence[], room: number): ScoredSentence[] {
  const siblings = sentences.filter(each => each.passageIndex === seed.passageIndex)
  const before = siblings[seed.position - 1]
  const run = leansOnPrevious(seed.text) && before?.isSeed && !seed.followsBlank ? [before, seed] : [seed]
  for (;;) {
    const next = siblings[(run.at(-1)?.position ?? 0) + 1]
    if (!next || !belongs(next, run, seed) || lengthOf([...run, next]) > room) return run
    run.push(next)
  }
}

function belongs(next: ScoredSentence, run: readonly ScoredSentence[], seed: ScoredSentence): boolean {
  if (next.kind === 'heading') return false
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
  if (seed.row?.header) return !next.followsBlank && seed.ownFound.isSubsetOf(next.ownFound)
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

function addsSomethingAsked(seed: ScoredSentence, runs: readonly (readonly ScoredSentence[])[]): boolean {
  const said = new Set(runs.flat().flatMap(each => [...each.found, ...each.foundAbove]))
  return !seed.found.isSubsetOf(said)
}

function lengthOf(run: readonly ScoredSentence[]): number {
  return (run.at(-1)?.end ?? 0) - (run[0]?.start ?? 0)
}
