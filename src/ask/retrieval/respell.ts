import { otherLettersOf, respelled, termsToKnow, type Respelled } from '../../text/other-letters.ts'
import { bestEffort } from '../best-effort.ts'
import type { Stage } from '../stage.ts'
import type { AskedCollection } from '../terms/collection.ts'
import type { Question } from '../terms/question.ts'
import type { Run } from '../terms/run.ts'

export interface TermLookup {
  readonly collection: AskedCollection
  readonly terms: readonly string[]
}

/** Tells which terms a collection has. */
export type KnownTerms = Stage<TermLookup, ReadonlySet<string>>

const noTerms: ReadonlySet<string> = new Set()

/** Whether a question may be typed in the letters of another script, so that the collection's words have to decide. */
export function mayBeInOtherLetters({ text, language }: Question, { languages }: AskedCollection): boolean {
  return otherLettersOf(text, { among: languages, given: language }).length > 0
}

/**
 * A question that was typed in the letters of another script, in those of its language: "skolko stoit", "ghbdtn". Every
 * other question is returned as it is, nearly always without a query.
 */
export async function inOwnLetters(
  knownTerms: KnownTerms,
  question: Question,
  collection: AskedCollection,
  run: Run,
): Promise<Question> {
  const own = await read(question.text, question.language)
  if (!own) return question
  const history = await Promise.all(
    question.history.map(async turn => {
      const meant = turn.role === 'user' ? await read(turn.content, own.language) : null
      return meant ? { ...turn, content: meant.text } : turn
    }),
  )
  return { ...question, ...own, history }

  async function read(text: string, given: string | undefined): Promise<Respelled | null> {
    const ways = otherLettersOf(text, { among: collection.languages, given })
    if (ways.length === 0) return null
    const terms = termsToKnow(ways)
    const known = await bestEffort(noTerms, run, bounded => knownTerms({ collection, terms }, bounded))
    return respelled(text, ways, known, given)
  }
}
