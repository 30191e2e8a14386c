import { figuresOf, type Figures } from './figures.ts'
import { selectionOf, type Selection } from './selection.ts'
import type { AnswerQuestion, Asked } from './terms.ts'

/** Asks one question. Rejects if the service could not do all that it should, because that would distort the figures. */
export type AskOne = (question: AnswerQuestion) => Promise<Asked>

/** Results of one set, or of several small ones together. */
export interface AnswersMeasured {
  readonly name: string
  readonly form: 'judged' | 'small'
  readonly all: Figures
  /** Empty when all questions are of one kind. */
  readonly kinds: Readonly<Record<string, Figures>>
  /** Empty when all questions are in one language. */
  readonly languages: Readonly<Record<string, Figures>>
  /** Questions with earlier turns; null if there are none, or no others. */
  readonly followUps: Figures | null
  /** Null when all questions are answerable, or none is. */
  readonly selection: Selection | null
}

export interface AskingAll {
  readonly askOne: AskOne
  readonly signal: AbortSignal
  readonly onAsked: (done: number, total: number) => void
}

/** Asks the questions one after the other, so that their times are those of an idle service. */
export async function askAll(
  questions: readonly AnswerQuestion[],
  { askOne, signal, onAsked }: AskingAll,
): Promise<Asked[]> {
  const asked: Asked[] = []
  for (const question of questions) {
    signal.throwIfAborted()
    asked.push(await askOne(question))
    onAsked(asked.length, questions.length)
  }
  return asked
}

export function measured(
  { name, form }: Pick<AnswersMeasured, 'name' | 'form'>,
  asked: readonly Asked[],
): AnswersMeasured {
  const withHistory = asked.filter(({ question }) => question.history.length > 0)
  return {
    name,
    form,
    all: figuresOf(asked),
    kinds: figuresBy(asked, ({ question }) => question.kind),
    languages: figuresBy(asked, ({ question, reply }) => question.language ?? reply.language),
    followUps: withHistory.length > 0 && withHistory.length < asked.length ? figuresOf(withHistory) : null,
    selection: selectionOf(asked),
  }
}

function figuresBy(asked: readonly Asked[], keyOf: (asked: Asked) => string): Record<string, Figures> {
  const groups = Map.groupBy(asked, keyOf)
  if (groups.size < 2) return {}
  return Object.fromEntries(
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => [key, figuresOf(group)]),
  )
}
