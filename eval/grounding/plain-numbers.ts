/**
 * The numbers of a text, read in the plainest way and with nothing of the check in src/ask/grounding, so that each can
 * tell when the other is wrong.
 */

/** A number as written, and the values that it may have: "1.500" is 1500 or 1.5, "7:30" 7 and 30. */
export interface PlainNumber {
  readonly text: string
  /** One reading after another; a reading may have several values, such as hours and minutes. */
  readonly readings: readonly (readonly number[])[]
}

const digits = /\d+(?:[.,:/\u00a0\u202f-]\d+| \d{3}(?!\d))*/g

export function numbersIn(text: string): PlainNumber[] {
  return Array.from(withoutMarkers(text).matchAll(digits), ([own]) => ({ text: own, readings: readingsOf(own) }))
}

/** Markers of citations and the numbers of list items are no claims. */
function withoutMarkers(text: string): string {
  return text.replace(/\[\d{1,2}\]/g, ' ').replace(/^\s*\d{1,3}[.)]\s/gm, ' ')
}

function readingsOf(text: string): number[][] {
  const parts = text.split(/[^\d]+/).map(Number)
  const readings = [parts]
  const joined = text.replace(/[\s\u00a0\u202f]/gu, '')
  if (/^\d{1,3}(?:[.,]\d{3})+$/.test(joined)) readings.push([Number(joined.replace(/[.,]/g, ''))])
  if (/^\d+[.,]\d+$/.test(joined)) readings.push([Number(joined.replace(',', '.'))])
  if (/^\d+$/.test(joined)) readings.push([Number(joined)])
  return readings
}

const words: Readonly<Record<string, string>> = {
  en: 'two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 fifteen 15 twenty 20 thirty 30 forty 40 fifty 50 sixty 60 hundred 100 half 0.5 week 7 noon 12 once 1 twice 2 fourth 4 fifth 5 sixth 6',
  ru: 'два 2 две 2 двух 2 двум 2 три 3 трех 3 третий 3 третьем 3 четыре 4 четырех 4 пять 5 пяти 5 пятого 5 шесть 6 шести 6 семь 7 семи 7 восемь 8 девять 9 десять 10 десяти 10 двадцать 20 тридцать 30 тридцати 30 сорок 40 пятьдесят 50 сто 100 двести 200 триста 300 четыреста 400 полчаса 30 половина 0.5 половину 0.5 полтора 1.5 полдень 12 полудня 12 двое 2',
  kk: 'екі 2 үш 3 төрт 4 бес 5 алты 6 жеті 7 сегіз 8 тоғыз 9 он 10 жиырма 20 отыз 30 қырық 40 елу 50 алпыс 60 сексен 80 жүз 100 жарты 0.5 жарым 0.5 апта 7',
  vi: 'hai 2 ba 3 bốn 4 năm 5 sáu 6 bảy 7 tám 8 chín 9 mười 10 mươi 10 lăm 5 trăm 100 nửa 0.5 tuần 7',
  it: 'due 2 tre 3 quattro 4 cinque 5 sei 6 sette 7 otto 8 nove 9 dieci 10 undici 11 dodici 12 tredici 13 quattordici 14 quindici 15 venti 20 venticinque 25 trenta 30 quaranta 40 mezzo 0.5 mezza 0.5 metà 0.5 mezzogiorno 12',
}

const values = new Map(
  Object.values(words).flatMap(list => {
    const entries = list.split(' ')
    return entries.flatMap((word, i) => (i % 2 === 0 ? [[word, Number(entries[i + 1])] as const] : []))
  }),
)

/** Values of the numbers that a text has in words, and of its months; single words, and sums of neighbouring ones. */
export function wordValuesIn(text: string): number[] {
  const found: number[] = []
  let before: readonly number[] = []
  for (const [word] of text
    .toLowerCase()
    .replaceAll('ё', 'е')
    .matchAll(/[\p{L}\p{M}]+/gu)) {
    const value = values.get(word) ?? stemmed(word) ?? monthOf(word)
    // "Hai mươi lăm": 2, 2 × 10, 2 × 10 + 5.
    before = value === undefined ? [] : [value, ...before.flatMap(each => [each + value, each * value])].slice(0, 8)
    found.push(...before)
  }
  return found
}

/** Kazakh and Russian words have endings. */
function stemmed(word: string): number | undefined {
  for (let length = word.length - 1; length >= Math.max(3, word.length - 5); length--) {
    const value = values.get(word.slice(0, length))
    if (value !== undefined && /\p{Script=Cyrillic}/u.test(word)) return value
  }
  return undefined
}

const months = new Map(
  ['en', 'ru', 'kk', 'vi', 'it'].flatMap(language =>
    Array.from({ length: 12 }, (_, i) => {
      const format = new Intl.DateTimeFormat(language, { month: 'long', day: 'numeric', timeZone: 'UTC' })
      const parts = format.formatToParts(Date.UTC(2026, i, 1))
      return [parts.find(({ type }) => type === 'month')!.value.toLowerCase(), i + 1] as const
    }),
  ),
)

function monthOf(word: string): number | undefined {
  const exact = months.get(word)
  if (exact !== undefined || word.length < 4) return exact
  return [...months].find(
    ([name]) => name.length > 3 && word.startsWith(name.slice(0, Math.max(4, name.length - 1))),
  )?.[1]
}
