import { analyze } from './analyze.ts'
import { fold } from './fold.ts'
import { memoized } from './memoized.ts'
import { numberWordsOf } from './amounts.ts'

/**
 * Numbers that measure the case of who asks ("after 20 days", "my 9 year old", "a suitcase of 28 kg", "under €500"), or that
 * number the question itself ("2. How …", "… (3)"). What the documents say ("within 30 days") answers the question with no
 * such number in it. Numbers that name something ("room 204", "section 9", "in 1998") measure nothing.
 */

/** Beginnings of the words after a number: time, length, weight, volume, data, money, people. Closed classes of each language. */
const units: Readonly<Record<string, string>> = {
  en: `second|minute|hour|day|night|week|weekend|month|year|yr|hr|mile|metre|meter|kilometre|kilometer|centimetre|centimeter
    |inch|inches|foot|feet|pound|lb|ounce|kilo|kilogram|gram|ton|tonne|litre|liter|degree|percent|per cent|euro|dollar|cent|tenge|rouble|ruble
    |people|person|adult|child|children|kid|guest|time`,
  ru: `секунд|минут|час|часа|часов|день|дня|дней|дню|дневн|сут|ноч|недел|месяц|год|года|лет|годам|километр|метр|сантиметр|килограмм|кило|грамм
    |тонн|литр|градус|процент|рубл|тенге|евро|доллар|человек|людей|взросл|ребен|дете|гост|раз`,
  uk: `секунд|хвилин|годин|день|дня|дні|днів|доб|ноч|тиж|місяц|рік|рок|кілометр|метр|сантиметр|кілограм|грам|тонн|літр|градус|відсот|грив
    |євро|долар|людин|людей|осіб|особ|доросл|дитин|діте|гост|раз`,
  kk: `секунд|минут|сағат|күн|түн|апта|ай|айдан|айлық|жыл|жас|километр|метр|сантиметр|килограмм|кило|грамм|тонна|литр|градус|пайыз|теңге|рубл|евро
    |доллар|адам|кісі|бала|қонақ|рет`,
  vi: `giây|phút|giờ|tiếng|ngày|đêm|tuần|tháng|năm|tuổi|km|mét|cm|kg|ký|cân|gam|tấn|lít|độ|phần trăm|đồng|nghìn|triệu|đô|euro|người|khách
    |trẻ|lần`,
  it: `second|minut|ora|ore|giorn|nott|settiman|mese|mesi|anno|anni|chilometr|metr|centimetr|chil|kilo|gramm|tonnellat|litr|grad|per cento
    |percento|euro|dollar|person|adult|bambin|ospit|volt`,
  de: `sekunde|minute|stunde|tag|nacht|nächte|woche|monat|jahr|kilometer|meter|zentimeter|kilo|gramm|tonne|liter|grad|prozent|euro|cent|dollar
    |person|leute|erwachsene|kind|gast|gäste|mal`,
  fr: `seconde|minute|heure|jour|nuit|semaine|mois|an|ans|année|kilomètre|mètre|centimètre|kilo|gramme|tonne|litre|degré|pour cent|euro|dollar
    |personne|adulte|enfant|invité|fois`,
  es: `segundo|minuto|hora|día|noche|semana|mes|meses|año|kilómetro|metro|centímetro|kilo|gramo|tonelada|litro|grado|por ciento|euro|dólar
    |persona|adulto|niño|huésped|vez|veces`,
  pt: `segundo|minuto|hora|dia|noite|semana|mês|meses|ano|quilómetro|quilômetro|metro|centímetro|quilo|grama|tonelada|litro|grau|por cento|euro
    |dólar|real|reais|pessoa|adulto|criança|hóspede|vez|vezes`,
  pl: `sekund|minut|godzin|dzień|dni|dnia|noc|tydzień|tygodn|miesiąc|miesięc|rok|lat|lata|kilometr|metr|centymetr|kilogram|kilo|gram|ton|litr
    |stopn|procent|euro|złot|dolar|osób|osob|dorosł|dziec|gośc|raz`,
  tr: `saniye|dakika|saat|gün|gece|hafta|ay|yıl|yaş|kilometre|metre|santimetre|kilo|gram|ton|litre|derece|euro|lira|dolar|kişi|yetişkin|çocuk
    |misafir|kez|kere`,
}
/** What may stand between the number and its unit. */
const between: Readonly<Record<string, string>> = {
  en: 'working|business|calendar|full|more|extra|whole',
  ru: 'рабоч|календарн|полн|раз',
  kk: 'жұмыс|күнтізбелік',
}
/** Letters that may follow the beginning of a unit: endings. */
const longestEnding = 3
const longestEndings: Readonly<Record<string, number>> = { kk: 6, tr: 6, vi: 0 }

const digits = String.raw`\p{Nd}{1,12}(?:[.,\s]\p{Nd}{1,12}){0,4}`
const signs = String.raw`[%€$£₸₽₴¥₫°]|(?:km|cm|mm|kg|mg|ml|gb|mb|tb|kw|kwh|eur|usd|kzt|rub|vnd|км|см|мм|кг|мл|гб|мб|руб|тг)(?![\p{L}\p{N}])`
/** A question has no more; a pasted table may. */
const mostMeasures = 16
/** "1998 году" is no length of time. */
const year = /^[12]\p{Nd}{3}$/u
/** "2. How …", "Q2: How …", "How …? (2)". */
const numbering = /^\s*q?\s?\p{Nd}{1,3}\s?[.):]\s+(?=\p{L})|\s\(\p{Nd}{1,3}\)\s*$/gu

/** Of a measure: its number, or its unit. */
export type MeasurePart = 'number' | 'unit'

/**
 * The terms of such numbers and their units in a question of this language, by its rules; none that it has elsewhere, too.
 * A language without units has signs alone (`%`, `kg`, `€`).
 */
export function measuringTerms(question: string, language: string): ReadonlyMap<string, MeasurePart> {
  const text = fold(question)
  const found = [...text.matchAll(numbering), ...text.matchAll(patternFor(language)).take(mostMeasures)]
  const terms = found.flatMap(({ 0: part, groups }) => {
    const number = groups?.['number'] ?? ''
    if (year.test(number)) return []
    const inWords = new Set(analyze(number, language).terms)
    return analyze(part, language).terms.map(term => {
      const isNumber = /\p{Nd}/u.test(term) || inWords.has(term)
      return [term, isNumber ? 'number' : 'unit'] as const
    })
  })
  if (terms.length === 0) return new Map()
  const counts = countsOf(terms.map(([term]) => term))
  const all = countsOf(analyze(question, language).terms)
  return new Map(terms.filter(([term]) => (all.get(term) ?? 0) <= counts.get(term)!))
}

function countsOf(terms: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1)
  return counts
}

const patternFor = memoized((language: string): RegExp => {
  const ending = String.raw`\p{L}{0,${longestEndings[language] ?? longestEnding}}`
  const alternatives = (list: string) => listed(list).join('|')
  const unit = !Object.hasOwn(units, language)
    ? ''
    : String.raw`|[\s-]?(?:(?:${alternatives(between[language] ?? units[language]!)})${ending}\s)?(?:${alternatives(units[language]!)})${ending}(?![\p{L}\p{N}])(?:-\p{L}+)*`
  const number = [digits, ...numberWordsOf(language)].join('|')
  const pattern = String.raw`(?<![\p{L}\p{N}.])(?:[$€£₸₽₴¥₫]\s?${digits}|(?<number>${number})(?:\s?(?:${signs})${unit}))`
  return new RegExp(pattern, 'gu')
})

function listed(list: string): string[] {
  return fold(list)
    .split('|')
    .map(each => each.trim())
}
