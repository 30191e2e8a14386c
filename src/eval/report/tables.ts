import type { Figures } from '../answers/figures.ts'
import type { AnswersMeasured } from '../answers/measure.ts'
import type { Selection, SignalName } from '../answers/selection.ts'
import { countOf, decimal, milliseconds, percent } from './words.ts'

/** A table of text, for any form of report. */
export interface TextTable {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const answerColumns = [
  'questions',
  'right',
  'partial',
  'wrong',
  'refused',
  'cited first',
  'among five',
  'found first',
  'found five',
  'contained',
  'recall',
  'F1',
]

/** One row per set, then per kind, language and follow-ups: what became of the answerable questions. */
export function answerableTable(sets: readonly AnswersMeasured[]): TextTable {
  const rows = sets.flatMap(set => groupsOf(set)).filter(([, figures]) => figures.answerable.questions > 0)
  return {
    title: 'Answerable questions',
    columns: ['', ...answerColumns],
    rows: rows.map(([name, { answerable: a }]) => [
      name,
      String(a.questions),
      percent(a.right),
      percent(a.partial),
      percent(a.wrong),
      percent(a.refused),
      percent(a.citedFirst),
      percent(a.amongFive),
      percent(a.foundFirst),
      percent(a.foundFive),
      percent(a.contained),
      percent(a.tokenRecall),
      percent(a.tokenF1),
    ]),
  }
}

export function unanswerableTable(sets: readonly AnswersMeasured[]): TextTable {
  const rows = sets.flatMap(set => groupsOf(set)).filter(([, figures]) => figures.unanswerable.questions > 0)
  return {
    title: 'Unanswerable questions',
    columns: ['', 'questions', 'rightly refused', 'falsely answered'],
    rows: rows.map(([name, { unanswerable: u }]) => [name, String(u.questions), percent(u.refused), countOf(u.false)]),
  }
}

/** What the threshold gives, and how the product's own figure compares with single signals cut in hindsight. */
export function selectionTables(sets: readonly AnswersMeasured[]): TextTable[] {
  const known = sets.flatMap(({ name, selection }) => (selection === null ? [] : [{ name, selection }]))
  if (known.length === 0) return []
  return [
    {
      title: 'Answering and abstaining, as a curve',
      columns: ['', 'by', 'area, right over false', 'area, risk over coverage', 'known for'],
      rows: known.flatMap(({ name, selection }) =>
        selection.signals.map(signal => [
          name,
          signalWord(signal.signal, selection),
          decimal(signal.rightFalse),
          decimal(signal.riskCoverage),
          `${signal.known} of ${selection.answerable + selection.unanswerable}`,
        ]),
      ),
    },
    {
      title: 'Refused when at most 5 % of the answerable questions are lost, in hindsight',
      columns: ['', 'by', 'kind', 'AUC', 'refused'],
      rows: known.flatMap(({ name, selection }) =>
        selection.signals.flatMap(signal =>
          Object.entries(signal.kinds).map(([kind, { auc, refusedAt5 }]) => [
            name,
            signalWord(signal.signal, selection),
            kind,
            decimal(auc),
            percent(refusedAt5),
          ]),
        ),
      ),
    },
    {
      title: 'At the default threshold',
      columns: ['', 'right', 'false', 'ahead of the best single signal there', 'furthest behind'],
      rows: known.map(({ name, selection: { chosen, answerable, unanswerable, aheadAtChosen, worst } }) => [
        name,
        `${chosen.right} of ${answerable}`,
        `${chosen.false} of ${unanswerable}`,
        signed(aheadAtChosen),
        worst === null
          ? 'nowhere'
          : `${worst.product} against ${worst.right} right by ${worst.signal}, at ${worst.false} false`,
      ]),
    },
  ]
}

export function calibrationTable(sets: readonly AnswersMeasured[]): TextTable | null {
  const rows = sets.flatMap(({ name, selection }) => {
    if (!selection?.calibration) return []
    const all = [['', selection.calibration] as const, ...Object.entries(selection.languages)]
    return all.map(([language, { answerable, right }]) => [
      language === '' ? name : `${name}, ${language}`,
      decimal(answerable.ece),
      decimal(right.ece),
      String(answerable.bins.reduce((sum, bin) => sum + bin.of, 0)),
    ])
  })
  const columns = ['', 'that the documents answer it', 'that the answer is right', 'questions']
  return rows.length === 0 ? null : { title: 'Expected calibration error of the confidence', columns, rows }
}

/** ALCE's figures, by words; those by a model are with the other judgements. */
export function citationTable(sets: readonly AnswersMeasured[]): TextTable {
  return {
    title: 'Citations of the answers that were given',
    columns: ['', 'recall', 'precision'],
    rows: sets.map(({ name, all: { citations } }) => [name, percent(citations.recall), percent(citations.precision)]),
  }
}

export function latencyTable(sets: readonly AnswersMeasured[]): TextTable {
  return {
    title: 'Latency, ms',
    columns: ['', 'p50', 'p95', "in the question's language"],
    rows: sets.map(({ name, all: { latency, languageRight } }) => [
      name,
      milliseconds(latency.p50Ms),
      milliseconds(latency.p95Ms),
      percent(languageRight),
    ]),
  }
}

/** Whole sets, with the kinds of unanswerable questions, and without what only a report has room for. */
export function briefTables(sets: readonly AnswersMeasured[]): TextTable[] {
  const bare = sets.map(set => ({ ...set, kinds: {}, languages: {} }))
  const [curve, atLoss, atThreshold] = selectionTables(sets)
  const tables = [
    answerableTable(bare),
    unanswerableTable(sets),
    curve,
    atLoss,
    atThreshold,
    citationTable(sets),
    latencyTable(sets),
    calibrationTable(sets),
  ]
  return tables.filter(table => table != null).filter(table => table.rows.length > 0)
}

export function allTables(sets: readonly AnswersMeasured[]): TextTable[] {
  const calibration = calibrationTable(sets)
  const tables = [
    answerableTable(sets),
    unanswerableTable(sets),
    ...selectionTables(sets),
    citationTable(sets),
    latencyTable(sets),
  ]
  return [...tables, ...(calibration ? [calibration] : [])].filter(table => table.rows.length > 0)
}

function groupsOf({ name, all, kinds, languages, followUps }: AnswersMeasured): (readonly [string, Figures])[] {
  const named = (groups: Readonly<Record<string, Figures>>) =>
    Object.entries(groups).map(([key, figures]) => [`${name}, ${key}`, figures] as const)
  return [
    [name, all],
    ...named(kinds),
    ...named(languages),
    ...(followUps ? [[`${name}, follow-ups`, followUps] as const] : []),
  ]
}

const words: Readonly<Record<Exclude<SignalName, 'product'>, string>> = {
  coverage: 'words covered',
  cosine: 'cosine of a window',
  unit: 'cosine of a sentence',
  rerank: 'reranker',
}

export function signalWord(signal: SignalName, { by }: Pick<Selection, 'by'>): string {
  return signal === 'product' ? `the product (${by})` : words[signal]
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value).replace('-', '−')
}
