import { percent } from '../../src/eval/report/words.ts'
import type { TextTable } from '../../src/eval/report/tables.ts'
import type { Results, SetupResults, StoredSet } from './results.ts'

/** The bars of the product, each with what was measured. */
export function barsTable(results: Results): TextTable {
  const find = finder(results)
  return {
    title: 'Bars',
    columns: ['', 'before', 'at least', 'aim', 'measured'],
    rows: [
      [
        'small corpora (50 + 16), default embeddings: right / false',
        '24 / 9',
        '35 / 4',
        '39 / 3',
        rightFalse(find('default', 'small corpora')),
      ],
      ['… e5: right / false', '–', '39 / 3', '43 / 2', rightFalse(find('e5', 'small corpora'))],
      [
        '… e5 under another name: right / false',
        '–',
        '39 / 3',
        '43 / 2',
        rightFalse(find('e5-renamed', 'small corpora')),
      ],
      [
        'English ones of them (30 + 8) with e5 and the cross-encoder: right / false',
        '–',
        '–',
        '–',
        rightFalse(find('e5-cross', 'small corpora')),
      ],
      [
        'right passage first / among five, small corpora, e5',
        '83 / 95 %',
        '88 / 97 %',
        '92 / 99 %',
        foundOf(find('e5', 'small corpora')),
      ],
      ...separationRows(find),
      [
        'follow-ups, CANARD: right document in the five, default / e5',
        '57 / – %',
        '66 / 72 %',
        '80 %',
        pair(find, 'canard-en'),
      ],
      [
        'follow-ups, MTRAG cloud: right document in the five, default / e5',
        '92 / – %',
        '92 / 94 %',
        '96 %',
        pair(find, 'mtrag-cloud-en'),
      ],
      [
        'question in another language: right document in the five, e5',
        '4 %',
        '80 %',
        '90 %',
        amongFive(find('e5', 'xlang-xquad-ruvi-en')),
      ],
      [
        'short answers asked word for word, default',
        '2 of 10',
        '10 of 10',
        '10 of 10',
        rightOf(find('default', 'short')),
      ],
      ...aheadRows(results),
    ],
  }
}

type Find = (setup: string, set: string) => StoredSet | undefined

function finder({ setups }: Results): Find {
  return (setup, set) => setups[setup]?.sets.find(each => each.name === set)
}

const missing = 'not measured'

function rightFalse(set: StoredSet | undefined): string {
  if (!set) return missing
  const { answerable, unanswerable } = set.all
  return `${answerable.right.count} of ${answerable.questions} / ${unanswerable.false.count} of ${unanswerable.questions}`
}

function rightOf(set: StoredSet | undefined): string {
  return set ? `${set.all.answerable.right.count} of ${set.all.answerable.questions}` : missing
}

function foundOf(set: StoredSet | undefined): string {
  return set ? `${percent(set.all.answerable.foundFirst)} / ${percent(set.all.answerable.foundFive)}` : missing
}

function amongFive(set: StoredSet | undefined): string {
  return set ? percent(set.all.answerable.amongFive) : missing
}

function pair(find: Find, set: string): string {
  return `${amongFive(find('default', set))} / ${amongFive(find('e5', set))}`
}

const separations = [
  ['far', 'abstain-xquad-en', 'default', '60 %', '75 %'],
  ['far', 'abstain-xquad-ru', 'default', '45 %', '60 %'],
  ['far', 'abstain-xquad-en', 'e5', '75 %', '90 %'],
  ['far', 'abstain-xquad-ru', 'e5', '75 %', '90 %'],
  ['far', 'abstain-xquad-en', 'e5-cross', '97 %', '99 %'],
  ['gap', 'abstain-xquad-en', 'default', '15 %', '30 %'],
  ['gap', 'abstain-xquad-ru', 'default', '15 %', '30 %'],
  ['gap', 'abstain-xquad-en', 'e5', '30 %', '45 %'],
  ['gap', 'abstain-xquad-ru', 'e5', '30 %', '45 %'],
  ['near', 'abstain-clapnq-en', 'e5', '30 %', '50 %'],
  ['near', 'abstain-clapnq-en', 'e5-cross', '33 %', '50 %'],
] as const

const before: Readonly<Record<string, string>> = { far: '15–79 % at 0–1 % lost', gap: '0–9 %', near: '0–2 %' }

/** What the default gives, and what its own figure could give at 5 % lost. */
function separationRows(find: Find): string[][] {
  return separations.map(([kind, set, setup, least, aim]) => [
    `${kind}, rightly refused at 5 % lost: ${set}, ${setup}`,
    before[kind] ?? '–',
    least,
    aim,
    separated(find(setup, set), kind),
  ])
}

function separated(set: StoredSet | undefined, kind: string): string {
  const product = set?.selection?.signals.find(each => each.signal === 'product')?.kinds[kind]
  const atDefault = set?.kinds[kind]?.unanswerable.refused
  if (!set || !product || !atDefault) return missing
  return `${percent(product.refusedAt5)}; by default ${percent(atDefault)} with ${percent(set.all.answerable.refused)} lost`
}

/** The product must lie above every single signal, everywhere. */
function aheadRows({ setups }: Results): string[][] {
  return Object.values(setups).flatMap(({ title, sets }: SetupResults) =>
    sets.flatMap(({ name, form, selection }) => {
      // A single small corpus is too small for a curve.
      if (!selection || (form === 'small' && name !== 'small corpora')) return []
      const { aheadAtChosen, worst } = selection
      const behind = worst
        ? `behind ${worst.signal} by ${worst.right - worst.product} at ${worst.false} false`
        : 'never behind'
      return [
        [
          `right answers ahead of the best single signal, ${name}, ${title}`,
          '–',
          'at least 0, never behind',
          '–',
          `${aheadAtChosen} at the default, ${behind}`,
        ],
      ]
    }),
  )
}
