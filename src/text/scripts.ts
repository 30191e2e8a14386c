/** Scripts, as far as they distinguish languages. */

/** Scripts with one dominant language, listed first, and the others that share it. */
export const scriptLanguages = {
  Thai: ['th'],
  Lao: ['lo'],
  Khmer: ['km'],
  Myanmar: ['my'],
  Greek: ['el'],
  Armenian: ['hy'],
  Georgian: ['ka'],
  Hangul: ['ko'],
  Kana: ['ja'],
  Han: ['zh', 'ja'],
  Hebrew: ['he', 'yi'],
  Ethiopic: ['am', 'ti'],
  Bengali: ['bn', 'as'],
  Tamil: ['ta'],
  Telugu: ['te'],
  Kannada: ['kn'],
  Malayalam: ['ml'],
  Gujarati: ['gu'],
  Gurmukhi: ['pa'],
  Oriya: ['or'],
  Sinhala: ['si'],
  Tibetan: ['bo', 'dz'],
  Mongolian: ['mn'],
  Devanagari: ['hi', 'mr', 'ne'],
} as const satisfies Record<string, readonly [string, ...string[]]>

/** Languages usually written in Cyrillic letters. */
export const cyrillicLanguages: ReadonlySet<string> = new Set([
  'ba',
  'be',
  'bg',
  'kk',
  'ky',
  'mk',
  'mn',
  'ru',
  'sr',
  'tg',
  'tt',
  'uk',
])
const arabicLanguages = ['ar', 'fa', 'ur', 'ckb', 'ps', 'ug', 'sd']
const otherLanguages: ReadonlySet<string> = new Set<string>([
  ...Object.values(scriptLanguages).flat(),
  ...arabicLanguages,
])

/** Whether the language has a known script other than Latin. */
export function hasScript(language: string): boolean {
  return cyrillicLanguages.has(language) || otherLanguages.has(language)
}

/** Whether a language is written in Latin letters, as far as known. */
export function isLatin(language: string): boolean {
  return language === 'sr' || !(cyrillicLanguages.has(language) || otherLanguages.has(language))
}

/** Whether a language is written in a script, as far as known. */
export function isWrittenIn(script: Script, language: string): boolean {
  if (script === 'Latin') return isLatin(language)
  if (script === 'Cyrillic') return cyrillicLanguages.has(language)
  if (script === 'Arabic') return arabicLanguages.includes(language)
  return script !== 'Other' && (scriptLanguages[script] as readonly string[]).includes(language)
}

export type Script = keyof typeof scriptLanguages | 'Latin' | 'Cyrillic' | 'Arabic' | 'Other'

const kana = /[\p{Script=Hiragana}\p{Script=Katakana}]/gu
const patterns: readonly (readonly [Script, RegExp])[] = [
  ['Cyrillic', /\p{Script=Cyrillic}/gu],
  ['Arabic', /\p{Script=Arabic}/gu],
  ['Kana', kana],
  ...(Object.keys(scriptLanguages) as (keyof typeof scriptLanguages)[])
    .filter(script => script !== 'Kana')
    .map(script => [script, new RegExp(`\\p{Script=${script}}`, 'gu')] as const),
]

// Product names, code and formulas are Latin in every language: "Как настроить connection pool в PgBouncer?" is
// Russian.
const latinAtLeast = 0.7
// A Chinese character carries about as much as two and a half letters.
const denseWeight = 2.5
// Japanese always contains kana; a Chinese text may quote one.
const kanaAtLeast = 0.1

/** The script of a text; undefined without letters. */
export function scriptOf(text: string): Script | undefined {
  const letters = count(text, /\p{L}/gu)
  if (letters === 0) return undefined
  const latin = count(text, /\p{Script=Latin}/gu)
  if (latin === letters) return 'Latin'
  const counts = new Map(patterns.map(([script, pattern]) => [script, count(text, pattern)]))
  const dense = (counts.get('Han') ?? 0) + (counts.get('Kana') ?? 0)
  if (latin >= latinAtLeast * (letters + (denseWeight - 1) * dense)) return 'Latin'
  if ((counts.get('Kana') ?? 0) > kanaAtLeast * dense) counts.set('Kana', dense).delete('Han')
  const [script, most] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))
  return most > 0 ? script : latin > 0 ? 'Latin' : 'Other'
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}
