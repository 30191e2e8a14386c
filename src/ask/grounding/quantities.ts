/**
 * What a number counts: percent, a currency, a unit of time, length, weight or data. Units of one kind are compared in
 * a common one, so that 24 months are 2 years.
 */
import { fold } from '../../text/fold.ts'

/** A unit: what it measures, and how many base units it is. */
export interface QuantityUnit {
  readonly kind: string
  readonly factor: number
}

/** `kind:factor:words`; a word that ends in `*` has any ending. */
const units = `
  percent:1:%|percent|per cent|per cento|percentage|процент*|пайыз*|phần trăm|percento|prozent|pourcent
  eur:1:€|eur|euro|euros|евро|еуро|ơ-rô
  usd:1:$|usd|dollar*|доллар*|đô la|dollari|dollaro
  gbp:1:£|gbp|pound sterling
  kzt:1:₸|kzt|tenge|тенге|теңге*|tg|тг
  rub:1:₽|rub|rouble*|ruble*|рубл*|руб
  vnd:1:₫|vnd|đồng|dong
  time:1:s|sec|secs|second|seconds|секунд*|сек|giây|secondo|secondi|sekunde*
  time:60:min|mins|minute|minutes|минут*|мин|phút|minuto|minuti|minuten
  time:3600:h|hour|hours|hr|hrs|час|часа|часов|часам|сағат*|giờ|tiếng|ora|ore|stunde*
  day:1:day|days|daily|день|дня|дней|дням|днями|дни|сутки|суток|дневн*|күн*|ngày|giorno|giorni|tag|tage|tagen|jour|jours|día|días
  day:7:week|weeks|недел*|апта*|tuần|settimana|settimane|woche*|semaine*|semana*
  month:1:month|months|месяц*|месячн*|ай|айда|айға|айдан|айлық|айдың|айы|tháng|mese|mesi|monat*|mois|mes|meses
  month:12:year|years|год|года|годов|лет|летн*|годам|жыл*|năm|anno|anni|jahr*|an|ans|année*|año|años
  length:1:mm|millimetre*|millimeter*|миллиметр*|мм
  length:10:cm|centimetre*|centimeter*|сантиметр*|см
  length:1000:m|metre*|meter*|метр*|mét|metro|metri
  length:1000000:km|kilometre*|kilometer*|километр*|км
  weight:1:g|gram|grams|gramm*|грамм*|grammi
  weight:1000:kg|kilogram*|kilo|kilos|килограмм*|кило|кг|chilogramm*|chilo|chili|ký|cân|келі
  data:1:kb|кб
  data:1000:mb|мб|megabyte*|мегабайт*
  data:1000000:gb|гб|gigabyte*|гигабайт*
  temperature:1:°c|degree*|градус*|độ|gradi`

interface Rule {
  readonly unit: QuantityUnit
  readonly isPrefix: boolean
}

const rules = readRules()

function readRules(): ReadonlyMap<string, Rule> {
  const found = new Map<string, Rule>()
  for (const line of units.trim().split('\n')) {
    const [kind = '', factor = '', words = ''] = line.trim().split(':')
    for (const word of words.split('|')) {
      const isPrefix = word.endsWith('*')
      found.set(fold(isPrefix ? word.slice(0, -1) : word), { unit: { kind, factor: Number(factor) }, isPrefix })
    }
  }
  return found
}

const longestEnding = 6

/** The unit that a folded word or sign names, if it names one. */
export function unitNamed(word: string): QuantityUnit | undefined {
  const exact = rules.get(word)
  if (exact) return exact.unit
  for (let length = word.length - 1; length >= Math.max(3, word.length - longestEnding); length--) {
    const rule = rules.get(word.slice(0, length))
    if (rule?.isPrefix) return rule.unit
  }
  return undefined
}

/** The unit after a number, or the sign before it: "10 %", "€ 5", "30 days", "10 phần trăm". */
export function unitAround(before: string, after: string): QuantityUnit | undefined {
  const sign = /([€$£₸₽₫])\s?$/u.exec(before)?.[1] ?? /^\s?([€$£₸₽₫%]|°c)/iu.exec(after)?.[1]
  if (sign !== undefined) return unitNamed(fold(sign))
  const words = /^[\s-]?(?:[("]\s?)?([\p{L}\p{M}]+)(?:[\s-]([\p{L}\p{M}]+))?(?:\s([\p{L}\p{M}]+))?/u.exec(after)
  if (words === null) return undefined
  const [one = '', two = '', three = ''] = [words[1], words[2], words[3]].map(word => fold(word ?? ''))
  const named = unitNamed(`${one} ${two}`) ?? unitNamed(one)
  // "30 working days", "30 календарных дней"; not "30 in days".
  const isAdjective = two !== '' && one.length > 3
  return named ?? (isAdjective ? (unitNamed(`${two} ${three}`) ?? longUnit(two)) : undefined)
}

/** Letters such as "m" or "s" are a unit only right after the number. */
function longUnit(word: string): QuantityUnit | undefined {
  return word.length > 2 ? unitNamed(word) : undefined
}

/** Whether two amounts are equal: the numbers and, where both have one, the units. */
export function isSameAmount(a: Amount, b: Amount): boolean {
  if (a.unit === undefined || b.unit === undefined) return a.value === b.value
  if (a.unit.kind !== b.unit.kind) return a.value === b.value && !areRivals(a.unit.kind, b.unit.kind)
  return nearly(a.value * a.unit.factor, b.value * b.unit.factor)
}

export interface Amount {
  readonly value: number
  readonly unit?: QuantityUnit | undefined
}

const currencies: ReadonlySet<string> = new Set(['eur', 'usd', 'gbp', 'kzt', 'rub', 'vnd'])
const times: ReadonlySet<string> = new Set(['time', 'day', 'month'])

/** 10 % is not 10 euros, and 10 hours are not 10 days; what else counts may be said in other words. */
function areRivals(a: string, b: string): boolean {
  const [isMoney, isTime] = [currencies.has(a) && currencies.has(b), times.has(a) && times.has(b)]
  return isMoney || isTime || a === 'percent' || b === 'percent'
}

function nearly(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}

/** 24 hours are a day; 12 months a year of 365 days, which nobody means by 365 days. */
export function inDays({ value, unit }: Amount): Amount {
  if (unit?.kind === 'time' && (value * unit.factor) % 86_400 === 0 && value > 0)
    return { value: (value * unit.factor) / 86_400, unit: { kind: 'day', factor: 1 } }
  return { value, ...(unit && { unit }) }
}

/** The values that digits can stand for: "1.500" is 1500 or 1.5, "1,500.50" only 1500.5. Empty if they are no number. */
export function valuesOf(digits: string): number[] {
  const text = digits.replace(/[\s'’\u00a0\u202f]/gu, '')
  if (!/^\d[\d.,]*$/.test(text)) return []
  const plain = text.replace(/[.,]$/, '')
  const signs = plain.match(/[.,]/g) ?? []
  if (signs.length === 0) return [Number(plain)]
  const last = Math.max(plain.lastIndexOf('.'), plain.lastIndexOf(','))
  const decimals = plain.length - last - 1
  const asDecimal = Number(`${plain.slice(0, last).replace(/[.,]/g, '')}.${plain.slice(last + 1)}`)
  const asGroups = Number(plain.replace(/[.,]/g, ''))
  const isGrouped = /^\d{1,3}(?:[.,]\d{3})+$/.test(plain)
  if (new Set(signs).size === 2) return [asDecimal]
  if (signs.length > 1) return isGrouped ? [asGroups] : []
  return decimals === 3 && isGrouped ? [asGroups, asDecimal] : [asDecimal]
}
