import { fold } from './fold.ts'
import { memoized } from './memoized.ts'
import { stem } from './stem.ts'

/**
 * What the parts of laws, contracts and regulations are called, by kind, in the languages of the evaluation sets and
 * some neighbours. Words that mean the same kind share its terms across languages.
 */
const names: Readonly<Record<string, string>> = {
  art: `article articles art arts статья статьи статье статьей статей ст статтю điều articolo articoli artikel artículo
    artigo бап бабы бабынын бабында бабына madde`,
  sec: `section sections sec параграф paragraph раздел разделе разделу sezione abschnitt sección seção mục бөлім розділ`,
  cla: `clause clauses cl пункт пункта пункте п punto punti khoản тармак тармақ тармағы ziffer`,
  cha: `chapter chapters глава главы главе гл capitolo kapitel capítulo chương тарау тарауы`,
  anx: `annex appendix приложение приложения allegato anhang қосымша`,
}

/** Parts of an article or section. */
const subdivisions = `paragraph para par часть части ч пункт пункта п абзац comma commi co absatz abs khoản тармақ
  тармағы бөлігі apartado point clause`

export interface Kinds {
  /** The kind of a word, by its stem. */
  get(stem: string): string | undefined
  keyOf(word: string): string
}

export const kindsFor = memoized((language: string): Kinds => {
  const keyOf = (word: string) => stem(fold(word), language)
  const byStem = new Map<string, string>()
  for (const [kind, words] of Object.entries(names))
    for (const word of words.split(/\s+/)) byStem.set(keyOf(word), kind)
  return { get: key => byStem.get(key), keyOf }
})

export const subdivisionsFor = memoized(
  (language: string): ReadonlySet<string> => new Set(subdivisions.split(/\s+/).map(word => stem(fold(word), language))),
)
