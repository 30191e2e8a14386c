import type { AnswersMeasured } from '../answers/measure.ts'
import type { AnswerSet, Asked, Verdict } from '../answers/terms.ts'
import { openVerdictOf, verdictOf } from '../answers/verdict.ts'
import { allTables, type TextTable } from './tables.ts'

/** What a report says, before it is written as Markdown or HTML. */
export interface Report {
  readonly title: string
  /** Models, sample, date. */
  readonly facts: readonly (readonly [name: string, value: string])[]
  readonly tables: readonly TextTable[]
  readonly sets: readonly AnswersMeasured[]
  readonly examples: readonly Examples[]
}

/** Questions that went wrong in one way. */
export interface Examples {
  readonly title: string
  readonly total: number
  readonly shown: readonly Example[]
}

export interface Example {
  readonly question: string
  readonly kind: string
  readonly answer: string
  readonly wanted: string
}

export interface ReportInput {
  readonly facts: Report['facts']
  readonly sets: readonly AnswersMeasured[]
  readonly answered: readonly { readonly set: AnswerSet; readonly asked: readonly Asked[] }[]
  readonly extraTables: readonly TextTable[]
}

export function reportOf({ facts, sets, answered, extraTables }: ReportInput): Report {
  return {
    title: 'Askwell: answers',
    facts,
    tables: [...allTables(sets), ...extraTables],
    sets,
    examples: answered.flatMap(({ set, asked }) => examplesOf(set, asked)),
  }
}

const mostExamples = 12

const bad: readonly (readonly [Verdict, string])[] = [
  ['false', 'answered although the documents do not say'],
  ['wrong', 'answered wrongly'],
  ['partial', 'answered in part'],
  ['refused', 'refused although the documents say it'],
]

function examplesOf({ name }: AnswerSet, asked: readonly Asked[]): Examples[] {
  return bad.flatMap(([verdict, title]) => {
    const all = asked.filter(({ question, reply }) => verdictOf(question, reply) === verdict)
    if (all.length === 0) return []
    return [{ title: `${name}: ${title}`, total: all.length, shown: all.slice(0, mostExamples).map(exampleOf) }]
  })
}

function exampleOf(asked: Asked): Example {
  const { question, reply, open } = asked
  const { expected } = question
  const before = question.history.length === 0 ? '' : ` (after ${question.history.length} turns)`
  const answer = reply.abstained && open ? `(would have been ${openVerdictOf(asked)}) ${open.text}` : reply.text
  const wanted =
    expected.by === 'texts'
      ? [...expected.texts, ...expected.sources].join(' · ')
      : [...expected.answers.slice(0, 2), ...[...expected.judged.keys()].slice(0, 2)].join(' · ')
  return { question: question.text + before, kind: question.kind, answer: shortened(answer), wanted: shortened(wanted) }
}

const longest = 300

function shortened(text: string): string {
  const oneLine = text.replace(/\s+/g, ' ').trim()
  return oneLine.length <= longest ? oneLine : `${oneLine.slice(0, longest).replace(/\p{Surrogate}$/u, '')}…`
}
