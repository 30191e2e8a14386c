/** What a value is, told by its content. Words and amounts can be asked about; the other kinds are only found. */
export type ValueKind = 'words' | 'amount' | 'flag' | 'url' | 'time' | 'identifier' | 'code' | 'integer'

const flag = /^(?:true|false|null|none|t|f|y|n)$/i
const url = /^(?:[a-z][a-z0-9+.-]*:\/\/|www\.)\S+$/i
/** A date alone is worth asking about, a time to the second is not unless all seconds are zero. */
const timeStamp = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:(\d\d(?:[.,]\d+)?)\s?(?:Z|UTC|[+-]\d\d:?\d\d)?$/i
const uuid = /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i
const hash = /^(?:0x)?(?=[0-9a-f]*\d)[0-9a-f]{16,}$/i
const octet = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)'
/** An IPv4, MAC or IPv6 address. */
const network = new RegExp(
  `^(?:${octet}(?:\\.${octet}){3}(?:/\\d+)?|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{0,4}:){3,}[0-9a-f]{0,4})$`,
  'i',
)
/** A long run of letters and digits that no language writes as a word: a key, a token, base64. */
const token = /^(?=\S*\d)(?=\S*[a-z])(?=\S*[A-Z])[\w+/=-]{20,}$/
const leadingZero = /^0\d+$/
const coordinate = /^-?\d{1,3}\.\d{5,}$/
const coordinates = /^-?\d{1,3}\.\d{4,}[,;]\s?-?\d{1,3}\.\d{4,}$/
/** A list of many numbers, some with three decimals or more, such as an embedding. */
const vector =
  /^(?=[-+\d.,e\s[]*?\.\d{3})\[?\s*(?:-?\d+(?:\.\d+)?(?:e[-+]?\d+)?,\s?){15}-?\d+(?:\.\d+)?(?:e[-+]?\d+)?\s*(?:,|\]?$)/i
const integer = /^-?\d+$/
/** `10kg`, `5 GHz`, `12%`: a number with its unit. */
const measure = /^[-+]?[$€£¥₸₫₽]?\s?\d[\d\s.,]*\s?(?:[\p{L}%°$€£¥₸₫₽²³]{1,4})?$/u
/** `TNT-0042`, `B204`: one token of letters and digits. */
const code = /^(?=.*\d)(?=.*\p{L})[\p{L}\d]+(?:[-_/.:#][\p{L}\d]+)*$/u

const identifiers = [uuid, hash, network, token, coordinate, coordinates, vector]

export function kindOf(value: string): ValueKind {
  if (flag.test(value)) return 'flag'
  if (url.test(value)) return 'url'
  const seconds = timeStamp.exec(value)?.[1]
  if (seconds !== undefined) return Number(seconds.replace(',', '.')) === 0 ? 'words' : 'time'
  if (integer.test(value)) return leadingZero.test(value) || value.length >= 16 ? 'identifier' : 'integer'
  if (identifiers.some(pattern => pattern.test(value))) return 'identifier'
  if (measure.test(value)) return 'amount'
  return code.test(value) ? 'code' : 'words'
}

/** Name of a column that keys its rows. It only decides about values that could be either. */
const keyName =
  /(?:^|[\s_.-])(?:ids?|key|sku|ean|upc|gtin|isbn|asin|uuid|guid|hash|checksum|barcode|code|код|артикул|штрихкод|mã|codice)(?:$|[\s_.-])|[a-z](?:I[dD]|Key|Code)$/u

/**
 * Whether questions are asked about a column, told by a sample of its values. One that mostly holds identifiers, web
 * and network addresses, time stamps or flags is only found and filtered.
 */
export function isAskedAbout(name: string, values: readonly string[]): boolean {
  const filled = values.filter(value => value !== '')
  if (filled.length === 0) return false
  const kinds = Map.groupBy(filled, kindOf)
  const count = (...of: ValueKind[]): number => of.reduce((sum, kind) => sum + (kinds.get(kind)?.length ?? 0), 0)
  const isMost = (number: number): boolean => number * 2 > filled.length
  const isDistinct = new Set(filled).size === filled.length
  if (isMost(count('flag', 'url', 'time', 'identifier'))) return false
  if (isKey(name) && isMost(filled.filter(value => /^\S*\d\S*$/.test(value)).length)) return false
  // Codes that repeat are names of kinds, such as ISO9001. Short ones, such as the room B204, are asked about.
  const codes = kinds.get('code') ?? []
  if (isMost(count('code', 'identifier'))) return !isDistinct || !codes.every(hasManyDigits)
  if (isMost(count('integer', 'identifier'))) return !isDistinct || !areKeys(kinds.get('integer') ?? [])
  return true
}

/** Shorter numbers are amounts unless they count the rows or their column says that they are keys. */
const longNumber = 8

function areKeys(integers: readonly string[]): boolean {
  if (integers.length === 0) return true
  const [first] = integers as [string]
  const isCounting = integers.length > 2 && integers.every((value, i) => BigInt(value) - BigInt(first) === BigInt(i))
  if (isCounting) return true
  const isSameLength = integers.every(value => value.length === first.length)
  const isRound = integers.every(value => value.endsWith('00'))
  return first.length >= longNumber && isSameLength && !isRound
}

function isKey(name: string): boolean {
  return keyName.test(name) || keyName.test(name.toLowerCase())
}

function hasManyDigits(value: string): boolean {
  return /(?:\D*\d){4}/.test(value)
}
