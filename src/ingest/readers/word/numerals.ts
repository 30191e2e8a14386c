/** A number as a list shows it, in one of the formats that Word and OpenDocument name. */
export function numeral(value: number, format: string, language = 'en'): string {
  const padded = /^decimalZero([2-9])$/.exec(format)?.[1]
  if (padded !== undefined) return String(value).padStart(Number(padded), '0')
  return Object.hasOwn(formats, format) ? formats[format]!(value, language) : String(value)
}

const formats: Readonly<Record<string, (value: number, language: string) => string>> = {
  none: () => '',
  bullet: () => '',
  decimalZero: value => String(value).padStart(2, '0'),
  lowerRoman: value => roman(value).toLowerCase(),
  upperRoman: roman,
  lowerLetter: value => repeatedLetter(value, latin),
  upperLetter: value => repeatedLetter(value, latin).toUpperCase(),
  russianLower: value => repeatedLetter(value, russian),
  russianUpper: value => repeatedLetter(value, russian).toUpperCase(),
  hebrew2: value => repeatedLetter(value, 'אבגדהוזחטיכלמנסעפצקרשת'),
  arabicAlpha: value => repeatedLetter(value, 'أبتثجحخدذرزسشصضطظعغفقكلمنهوي'),
  ganada: value => repeatedLetter(value, '가나다라마바사아자차카타파하'),
  aiueo: value =>
    repeatedLetter(
      value,
      'アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン',
    ),
  chicago: value => repeatedLetter(value, '*†‡§'),
  ordinal,
  ordinalText: value => capitalized(englishOrdinals[value - 1] ?? ordinal(value, 'en')),
  cardinalText: value => capitalized(englishCardinals[value - 1] ?? String(value)),
  numberInDash: value => `- ${value} -`,
  decimalFullWidth: value => digitsFrom(value, '０'),
  decimalEnclosedCircle: value => enclosed(value, '①'),
  decimalEnclosedCircleChinese: value => enclosed(value, '①'),
  decimalEnclosedParen: value => enclosed(value, '⑴'),
  decimalEnclosedFullstop: value => enclosed(value, '⒈'),
  hindiNumbers: value => digitsFrom(value, '०'),
  hindiArabic: value => digitsFrom(value, '٠'),
  thaiNumbers: value => digitsFrom(value, '๐'),
  chineseCounting: chinese,
  chineseCountingThousand: chinese,
  japaneseCounting: chinese,
  taiwaneseCounting: chinese,
  taiwaneseCountingThousand: chinese,
  ideographDigital: value => [...String(value)].map(digit => '〇一二三四五六七八九'[Number(digit)] ?? digit).join(''),
  ideographTraditional: value => '甲乙丙丁戊己庚辛壬癸'[value - 1] ?? String(value),
  ideographZodiac: value => '子丑寅卯辰巳午未申酉戌亥'[value - 1] ?? String(value),
}

const latin = 'abcdefghijklmnopqrstuvwxyz'
/** Word leaves out the letters that no list in Russian uses. */
const russian = 'абвгдежзиклмнопрстуфхцчшщыэюя'

/** Item 27 is "aa", item 28 "bb". A list that is longer than ten rounds gets plain numbers. */
function repeatedLetter(value: number, letters: string): string {
  const round = Math.ceil(value / letters.length)
  return value < 1 || round > 10 ? String(value) : letters[(value - 1) % letters.length]!.repeat(round)
}

/** Item 27 is "aa", item 28 "ab", as spreadsheets count and OpenDocument does by default. */
export function spreadsheetLetter(value: number): string {
  let letters = ''
  for (let rest = value; rest > 0; rest = Math.floor((rest - 1) / 26)) letters = latin[(rest - 1) % 26]! + letters
  return letters
}

const romanDigits = [
  ...([
    [1000, 'M'],
    [900, 'CM'],
    [500, 'D'],
    [400, 'CD'],
    [100, 'C'],
    [90, 'XC'],
    [50, 'L'],
  ] as const),
  ...([
    [40, 'XL'],
    [10, 'X'],
    [9, 'IX'],
    [5, 'V'],
    [4, 'IV'],
    [1, 'I'],
  ] as const),
] as const

function roman(value: number): string {
  if (value < 1 || value > 3999) return String(value)
  let text = ''
  let rest = value
  for (const [worth, digit] of romanDigits) {
    text += digit.repeat(Math.floor(rest / worth))
    rest %= worth
  }
  return text
}

function ordinal(value: number, language: string): string {
  if (/^(?:it|es|pt)/.test(language)) return `${value}º`
  if (language.startsWith('ru')) return `${value}-й`
  if (!language.startsWith('en')) return `${value}.`
  const isTeen = value % 100 >= 11 && value % 100 <= 13
  return value + (isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th'))
}

const englishCardinals =
  'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(
    ' ',
  )
const englishOrdinals =
  'first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth'.split(
    ' ',
  )

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}

function digitsFrom(value: number, zero: string): string {
  const first = zero.codePointAt(0)!
  return String(value).replace(/\d/g, digit => String.fromCodePoint(first + Number(digit)))
}

function enclosed(value: number, one: string): string {
  return value >= 1 && value <= 20 ? String.fromCodePoint(one.codePointAt(0)! + value - 1) : String(value)
}

function chinese(value: number): string {
  if (value < 1 || value > 99) return String(value)
  const digits = '〇一二三四五六七八九'
  const [tens, ones] = [Math.floor(value / 10), value % 10]
  return (tens === 0 ? '' : (tens === 1 ? '' : digits[tens]!) + '十') + (ones === 0 ? '' : digits[ones]!)
}
