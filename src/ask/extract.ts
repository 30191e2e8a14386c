import { composed, type Extracted } from './compose.ts'
import type { Request } from './generate.ts'
import { scoredSentences, type ScoredSentence } from './sentence-scores.ts'

export type { Extracted }

/** A further passage is quoted when its best sentence is worth this share of the best of all. */
const worthShare = 0.75
/** Neighbours of a quoted sentence are quoted with it above this share. */
const neighbourShare = 0.6
const maxPassages = 3
const maxCharacters = 700

/**
 * An answer made of quoted sentences: the one that answers best, neighbours that say as much, what it announces
 * with a colon, and at most two more passages that are nearly as good; in reading order, each run cited. Empty
 * when no sentence holds anything of what was asked.
 */
export async function extractFrom({ asked, passages }: Request): Promise<Extracted> {
  const sentences = scoredSentences(asked, passages)
  const seeds = bestOfEachPassage(sentences)
  const best = seeds[0]
  if (!best) return { text: '', citations: [] }
  const runs: ScoredSentence[][] = []
  let characters = 0
  for (const seed of seeds.slice(0, maxPassages)) {
    if (seed !== best && (seed.score < worthShare * best.score || isRepeat(seed, runs))) continue
    const run = runAround(seed, sentences, maxCharacters - characters)
    characters += lengthOf(run)
    if (runs.length > 0 && characters > maxCharacters) break
    runs.push(run)
  }
  return composed(runs.sort((a, b) => order(a[0], b[0])), passages)
}

function bestOfEachPassage(sentences: readonly ScoredSentence[]): ScoredSentence[] {
  const groups = Map.groupBy(sentences.filter(each => each.isSeed && each.score > 0), each => each.passageIndex)
  return Array.from(groups.values(), group => group.reduce((a, b) => (b.score > a.score ? b : a))).sort((a, b) => b.score - a.score)
}

/** The seed with the neighbours it needs to be understood or that answer as well as it does. */
function runAround(seed: ScoredSentence, sentences: readonly ScoredSentence[], room: number): ScoredSentence[] {
  const siblings = sentences.filter(each => each.passageIndex === seed.passageIndex)
  let first = seed.place
  if (leansOnPrevious(seed.text) && siblings[first - 1]?.isSeed) first--
  let last = seed.place
  for (;;) {
    const next = siblings[last + 1]
    const current = siblings[last]
    if (!next || !current || next.isHeading) break
    const isAnnounced = announces(siblings.slice(first, last + 1), next)
    if (!isAnnounced && next.score < neighbourShare * seed.score) break
    if (next.end - (siblings[first]?.start ?? 0) > room) break
    last++
  }
  return siblings.slice(first, last + 1)
}

/** "The options are:" brings the lines that follow, up to a blank line. */
function announces(run: readonly ScoredSentence[], next: ScoredSentence): boolean {
  const opener = run.findLastIndex(each => /[:：]$/.test(each.text))
  if (opener < 0) return false
  const isFirstLine = opener === run.length - 1
  return isFirstLine || !next.followsBlank
}

/** Words that point back: alone, the sentence would not say what it speaks of. */
const pointers = /^(this|these|that|those|it|they|such|he|she|however|therefore|also|это|этот|эта|эти|он|она|они|оно|такой|такие|поэтому|однако|questo|questa|questi|tale|tali|esso|inoltre|бұл|ол|олар|điều này|đó|nó|họ)(?![\p{L}\p{M}])/iu

function leansOnPrevious(text: string): boolean {
  return pointers.test(text)
}

function isRepeat(seed: ScoredSentence, runs: readonly ScoredSentence[][]): boolean {
  return runs.flat().some(said => {
    const shared = seed.terms.intersection(said.terms).size
    return shared / Math.max(1, Math.min(seed.terms.size, said.terms.size)) > 0.8
  })
}

function lengthOf(run: readonly ScoredSentence[]): number {
  return (run.at(-1)?.end ?? 0) - (run[0]?.start ?? 0)
}

function order(a: ScoredSentence | undefined, b: ScoredSentence | undefined): number {
  return (a?.passageIndex ?? 0) - (b?.passageIndex ?? 0) || (a?.start ?? 0) - (b?.start ?? 0)
}
