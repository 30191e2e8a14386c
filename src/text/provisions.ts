import { fold } from './fold.ts'
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

const kindsMemo = new Map<string, Kinds>()
const subdivisionsMemo = new Map<string, ReadonlySet<string>>()

export function kindsFor(language: string): Kinds {
  const known = kindsMemo.get(language)
  if (known) return known
  const keyOf = (word: string) => stem(fold(word), language)
  const byStem = new Map<string, string>()
  for (const [kind, words] of Object.entries(names))
    for (const word of words.split(/\s+/)) byStem.set(keyOf(word), kind)
  const kinds = { get: (key: string) => byStem.get(key), keyOf }
  kindsMemo.set(language, kinds)
  return kinds
}

export function subdivisionsFor(language: string): ReadonlySet<string> {
  const known = subdivisionsMemo.get(language)
  if (known) return known
  const stems = new Set(subdivisions.split(/\s+/).map(word => stem(fold(word), language)))
  subdivisionsMemo.set(language, stems)
  return stems
}
