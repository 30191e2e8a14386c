import { quotedAnswer, type Extracted } from './quotes.ts'
import type { AnswerRequest } from './generate.ts'
import type { Passage } from '../terms/passage.ts'
import { runAround } from './runs.ts'
import { scoredSentences, type Scored, type ScoredSentence } from './sentence-scores.ts'

/** A further sentence is quoted when it scores this share of the best one, and adds something asked. */
const worthShare = 0.7
/** One that adds nothing asked, when it scores this share. */
const equalShare = 0.9
/** Share of the question that a further sentence must add. */
const worthAdding = 0.1
/** One that answers another part of the question has this share of it, and of the best score. */
const otherPart = 0.3
const partShare = 0.35
const maxQuotes = 3
const maxCharacters = 800

/**
 * Answers with quoted sentences: the best one, with what it needs to be understood, and others that contain something
 * asked that it does not. In reading order, each run cited. Empty when no sentence contains anything asked.
 */
export async function extractFrom({ asked, passages }: AnswerRequest): Promise<Extracted> {
  const scored = scoredSentences(asked, passages)
  const seeds = scored.sentences.filter(each => each.isSeed && each.score > 0).sort((a, b) => b.score - a.score)
  const byPassage = passages.map((_, index) => scored.sentences.filter(each => each.passageIndex === index))
  const [best] = seeds
  if (!best) return { text: '', citations: [] }
  const runs = [runAround(best, byPassage[best.passageIndex]!, maxCharacters)]
  // Another sentence with "days" or "20" adds nothing to what is said about "after 20 days".
  const measures = asked.terms.flatMap(({ term, measure }) => (measure ? [term] : []))
  for (const seed of seeds) {
    const room = maxCharacters - runs.reduce((sum, run) => sum + lengthOf(run), 0)
    if (runs.length === maxQuotes || seed.score < partShare * best.score) break
    if (room < seed.text.length || runs.some(run => run.includes(seed)) || isBesidePart(seed, best)) continue
    if (isWorth(seed, best, { runs, measures }, scored)) runs.push(runAround(seed, byPassage[seed.passageIndex]!, room))
  }
  return quotedAnswer(inReadingOrder(joined(runs), passages), passages)
}

/** What mentions a part does not add to what stands in it. */
function isBesidePart(seed: ScoredSentence, best: ScoredSentence): boolean {
  return best.isAskedPart && !seed.isAskedPart
}

/** Whether a further sentence adds something asked, or answers as well as the best one. */
function isWorth(
  seed: ScoredSentence,
  best: ScoredSentence,
  { runs, measures }: { readonly runs: readonly ScoredSentence[][]; readonly measures: readonly string[] },
  { shareOf, hasUnits }: Scored,
): boolean {
  if (hasUnits && seed.score >= equalShare * best.score) return true
  const said = new Set([...measures, ...runs.flat().flatMap(each => [...each.found, ...each.foundAbove])])
  const added = shareOf(seed.found.difference(said))
  const addedBelow = shareOf(seed.found.union(seed.foundAbove).difference(said))
  return (added >= worthAdding && seed.score >= worthShare * best.score) || addedBelow >= otherPart
}

/** Runs that overlap, or that nothing stands between, are one. */
function joined(runs: readonly ScoredSentence[][]): ScoredSentence[][] {
  const inOrder = runs.toSorted((a, b) => a[0]!.passageIndex - b[0]!.passageIndex || a[0]!.position - b[0]!.position)
  const found: ScoredSentence[][] = []
  for (const run of inOrder) {
    const last = found.at(-1)
    const [end, start] = [last?.at(-1), run[0]!]
    const isNext =
      end?.passageIndex === start.passageIndex && start.position <= end.position + 1 && end.section === start.section
    if (isNext) last!.push(...run.filter(each => each.position > end.position))
    else found.push([...run])
  }
  // In the order they were chosen in.
  const rank = (run: readonly ScoredSentence[]) => runs.findIndex(each => run.includes(each[0]!))
  return found.sort((a, b) => rank(a) - rank(b))
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

function lengthOf(run: readonly ScoredSentence[]): number {
  return (run.at(-1)?.end ?? 0) - (run[0]?.start ?? 0)
}
