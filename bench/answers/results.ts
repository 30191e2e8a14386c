import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import type { AnswersMeasured } from '../../src/eval/answers/measure.ts'
import type { Selection, SignalFigures } from '../../src/eval/answers/selection.ts'
import type { Measured } from '../../src/eval/measure.ts'

/** What `npm run eval:answers` measured last, by setup; a setup that a run leaves out keeps its figures. */
export interface Results {
  readonly setups: Readonly<Record<string, SetupResults>>
}

export interface SetupResults {
  readonly title: string
  readonly command: string
  readonly commit: string
  /** ISO 8601, to the minute. */
  readonly date: string
  /** Questions of each kind and language. */
  readonly sample: number
  readonly seconds: number
  /** The newest sets that were measured after the others, by --small. */
  readonly renewed?: { readonly sets: readonly string[]; readonly commit: string; readonly date: string }
  readonly sets: readonly StoredSet[]
  readonly ranking: readonly Measured[]
}

/** Without the points of the curves and the kinds of answerable questions, which the reports have. */
export type StoredSet = Omit<AnswersMeasured, 'selection'> & { readonly selection: StoredSelection | null }
type StoredSelection = Omit<Selection, 'signals'> & { readonly signals: readonly Omit<SignalFigures, 'curve'>[] }

export function stored({ selection, kinds, ...set }: AnswersMeasured): StoredSet {
  return {
    ...set,
    kinds: Object.fromEntries(Object.entries(kinds).filter(([, { unanswerable }]) => unanswerable.questions > 0)),
    selection: selection && {
      ...selection,
      signals: selection.signals.map(({ curve: _curve, ...rest }) => rest),
    },
  }
}

export async function readResults(path: string): Promise<Results> {
  if (!existsSync(path)) return { setups: {} }
  return JSON.parse(await readFile(path, 'utf8')) as Results
}

/** One line per set, so that a difference is readable. */
export async function writeResults(path: string, { setups }: Results): Promise<void> {
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(4)) : value)
  const list = (values: readonly unknown[]) =>
    values.length === 0 ? '[]' : `[\n${values.map(value => `   ${JSON.stringify(value, rounded)}`).join(',\n')}\n  ]`
  const entries = Object.entries(setups).map(([name, { sets, ranking, ...facts }]) => {
    const head = JSON.stringify(facts, rounded).slice(0, -1)
    return ` ${JSON.stringify(name)}: ${head},\n  "sets": ${list(sets)},\n  "ranking": ${list(ranking)}}`
  })
  await writeFile(path, `{"setups": {\n${entries.join(',\n')}\n}}\n`)
}
