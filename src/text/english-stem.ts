/**
 * The Porter2 ("Snowball English") stemmer, after its published description; equal to Postgres' `english`
 * configuration. It is implemented here because the stemmer package has an older Porter for English, with errors of its
 * own ("connection" → "connec", unlike "connect").
 *
 * Takes a lower-case word of ASCII letters. Y marks a consonant y.
 */

const vowel = 'aeiouy'
const V = `[${vowel}]`
const C = `[^${vowel}]`

const irregular: ReadonlyMap<string, string> = new Map(
  Object.entries({
    skis: 'ski',
    skies: 'sky',
    dying: 'die',
    lying: 'lie',
    tying: 'tie',
    idly: 'idl',
    gently: 'gentl',
    ugly: 'ugli',
    early: 'earli',
    only: 'onli',
    singly: 'singl',
    sky: 'sky',
    news: 'news',
    howe: 'howe',
    atlas: 'atlas',
    cosmos: 'cosmos',
    bias: 'bias',
    andes: 'andes',
  }),
)
const settled = /^(?:inning|outing|canning|herring|earring|proceed|exceed|succeed)$/
const earlyRegion = /^(?:gener|commun|arsen)/
const firstRegion = new RegExp(`^.*?${V}${C}`)
const hasVowel = new RegExp(V)
const initialY = /^y/
const consonantY = new RegExp(`(?<=${V})y`, 'g')
const finalY = new RegExp(`(?<=.${C})[yY]$`)
const shortEnd = new RegExp(`(?:^${V}${C}|${C}${V}[^${vowel}wxY])$`)
const double = /(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$/

/** Longest first within an ending: the first match decides. */
const step2: readonly (readonly [string, string])[] = [
  ['ization', 'ize'],
  ['ational', 'ate'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['iveness', 'ive'],
  ['tional', 'tion'],
  ['biliti', 'ble'],
  ['lessli', 'less'],
  ['entli', 'ent'],
  ['ation', 'ate'],
  ['alism', 'al'],
  ['aliti', 'al'],
  ['ousli', 'ous'],
  ['iviti', 'ive'],
  ['fulli', 'ful'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['abli', 'able'],
  ['izer', 'ize'],
  ['ator', 'ate'],
  ['alli', 'al'],
  ['bli', 'ble'],
]
const step3: readonly (readonly [string, string])[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['alize', 'al'],
  ['icate', 'ic'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ness', ''],
  ['ful', ''],
]
const step4 = /(?:ement|ance|ence|able|ible|ment|ant|ent|ism|ate|iti|ous|ive|ize|al|er|ic)$/

/** A stem that most forms of an English word share. */
export function stemEnglish(word: string): string {
  if (word.length <= 2) return word
  const known = irregular.get(word)
  if (known !== undefined) return known
  let w = word.replace(initialY, 'Y').replace(consonantY, 'Y')
  const r1 = earlyRegion.exec(w)?.[0].length ?? firstRegion.exec(w)?.[0].length ?? w.length
  const r2 = r1 + (firstRegion.exec(w.slice(r1))?.[0].length ?? w.length)

  w = plural(w)
  if (settled.test(w)) return w
  w = pastOrGerund(w, r1)
  w = w.replace(finalY, 'i')
  w = replaceEnding(w, r1, step2) ?? ogiOrLi(w, r1)
  w = replaceEnding(w, r1, step3) ?? (w.endsWith('ative') ? w.slice(0, endIn(w, r2, 5)) : w)
  w = dropEnding(w, r2)
  return dropLastLetter(w, r1, r2).replaceAll('Y', 'y')
}

/** Index where the last `length` letters start, if they lie in the region; otherwise the full length. */
function endIn(word: string, region: number, length: number): number {
  return word.length - length >= region ? word.length - length : word.length
}

function plural(w: string): string {
  if (w.endsWith('sses')) return w.slice(0, -2)
  if (/ie[ds]$/.test(w)) return w.slice(0, w.length > 4 ? -2 : -1)
  if (/[us]s$/.test(w) || !w.endsWith('s')) return w
  return hasVowel.test(w.slice(0, -2)) ? w.slice(0, -1) : w
}

function pastOrGerund(w: string, r1: number): string {
  const eed = /eed(?:ly)?$/.exec(w)
  if (eed) return eed.index >= r1 ? w.slice(0, eed.index + 2) : w
  const end = /(?:ed|ing)(?:ly)?$/.exec(w)
  if (!end || !hasVowel.test(w.slice(0, end.index))) return w
  const rest = w.slice(0, end.index)
  if (/(?:at|bl|iz)$/.test(rest)) return `${rest}e`
  if (double.test(rest)) return /^[aeo]..$/.test(rest) ? rest : rest.slice(0, -1)
  return rest.length <= r1 && shortEnd.test(rest) ? `${rest}e` : rest
}

function replaceEnding(w: string, r1: number, endings: readonly (readonly [string, string])[]): string | undefined {
  const found = endings.find(([end]) => w.endsWith(end))
  if (!found) return undefined
  const [end, instead] = found
  return w.length - end.length >= r1 ? w.slice(0, -end.length) + instead : w
}

function ogiOrLi(w: string, r1: number): string {
  if (w.endsWith('logi')) return w.length - 3 >= r1 ? w.slice(0, -1) : w
  return /[cdeghkmnrt]li$/.test(w) ? w.slice(0, endIn(w, r1, 2)) : w
}

function dropEnding(w: string, r2: number): string {
  const end = step4.exec(w)
  if (end) return end.index >= r2 ? w.slice(0, end.index) : w
  return /[st]ion$/.test(w) ? w.slice(0, endIn(w, r2, 3)) : w
}

function dropLastLetter(w: string, r1: number, r2: number): string {
  const rest = w.slice(0, -1)
  if (w.endsWith('ll')) return rest.length >= r2 ? rest : w
  if (!w.endsWith('e')) return w
  return rest.length >= r2 || (rest.length >= r1 && !shortEnd.test(rest)) ? rest : w
}
