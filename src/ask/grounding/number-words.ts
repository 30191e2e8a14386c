/**
 * Numbers written as words, by language: "twenty-five", "двухсот", "hai mươi lăm", "ventiquattro" are 25, 200, 25, 24.
 * Words are folded (text/fold.ts).
 */
import { fold } from '../../text/fold.ts'
import { memoized } from '../../text/memoized.ts'

/** What a word does to the number that is being read. */
interface Role {
  /** `add`: it is added; `times`: what was read so far is multiplied; `group`: a thousand or more ends a group. */
  readonly does: 'add' | 'times' | 'group'
  readonly value: number
  /** It has other meanings too ("one", "second", "năm" for year), so alone it claims no number. */
  readonly isSoft: boolean
}

/** A number found in a row of words. */
export interface SpokenNumber {
  readonly value: number
  /** Positions of its first and last word. */
  readonly first: number
  readonly last: number
  readonly isSoft: boolean
}

interface Lists {
  /** `value:word|word`; a leading `?` marks words with other meanings. */
  readonly add: string
  readonly times?: string
  readonly group?: string
  /** Endings that a word may have. */
  readonly endings?: RegExp
}

const lists: Readonly<Record<string, Lists>> = {
  en: {
    add: `0:zero ?1:one|once|first ?2:twice|second 2:two 3:three ?3:third 4:four ?4:fourth 5:five ?5:fifth 6:six|sixth 7:seven|seventh
      8:eight|eighth 9:nine|ninth 10:ten|tenth 11:eleven|eleventh 12:twelve|dozen|twelfth 13:thirteen 14:fourteen
      15:fifteen|fifteenth 16:sixteen 17:seventeen
      18:eighteen 19:nineteen 20:twenty|twentieth 30:thirty|thirtieth 40:forty 50:fifty 60:sixty 70:seventy 80:eighty 90:ninety ?0.5:half`,
    times: '100:hundred|hundreds',
    group: '1000:thousand|thousands 1000000:million|millions|mln 1000000000:billion|billions|bn',
  },
  ru: {
    add: `0:ноль|нуля ?1:один|одна|одно|одного|одной|одну|одному|одним|первый|первая|первое|первого|первой ?2:второй|вторая|второе|второго
      2:два|две|двух|двум|двумя|двое 3:три|трех|трем|тремя|трое ?3:третий|третья|третье|третьего 4:четыре|четырех|четырем|четырьмя|четверо
      5:пять|пяти|пятью|пятеро 6:шесть|шести|шестью 7:семь|семи ?7:семью 8:восемь|восьми|восемью 9:девять|девяти|девятью
      10:десять|десяти|десятью 11:одиннадцать|одиннадцати 12:двенадцать|двенадцати 13:тринадцать|тринадцати
      14:четырнадцать|четырнадцати 15:пятнадцать|пятнадцати 16:шестнадцать|шестнадцати 17:семнадцать|семнадцати
      18:восемнадцать|восемнадцати 19:девятнадцать|девятнадцати 20:двадцать|двадцати|двадцатью 30:тридцать|тридцати|тридцатью
      40:сорок|сорока 50:пятьдесят|пятидесяти 60:шестьдесят|шестидесяти 70:семьдесят|семидесяти
      80:восемьдесят|восьмидесяти 90:девяносто|девяноста 100:сто|ста 200:двести|двухсот 300:триста|трехсот
      400:четыреста|четырехсот 500:пятьсот|пятисот 600:шестьсот|шестисот 700:семьсот|семисот 800:восемьсот|восьмисот
      900:девятьсот|девятисот 1.5:полтора|полторы|полутора ?0.5:половина|половину|половины|полгода`,
    group: `1000:тысяча|тысячи|тысяч|тысячу|тысячам|тысячами 1000000:миллион|миллиона|миллионов|млн 1000:тыс
      1000000000:млрд|миллиард|миллиарда|миллиардов`,
  },
  uk: {
    add: `?1:один|одна|одне|одного 2:два|дві|двох|двом 3:три|трьох 4:чотири|чотирьох 5:пять|пяти 6:шість|шести 7:сім|семи
      8:вісім|восьми 9:девять|девяти 10:десять|десяти 11:одинадцять 12:дванадцять 15:пятнадцять 20:двадцять|двадцяти
      30:тридцять|тридцяти 40:сорок 50:пятдесят 60:шістдесят 90:девяносто 100:сто|ста 200:двісті 300:триста 500:пятсот`,
    group: '1000:тисяча|тисячі|тисяч 1000000:мільйон|мільйона|мільйонів',
  },
  kk: {
    add: `?1:бір|бірінші ?2:екінші 2:екі|екеу ?3:үшінші 3:үш|үшеу 4:төрт|төртеу 5:бес|бесеу 6:алты 7:жеті 8:сегіз 9:тоғыз 10:он
      20:жиырма 30:отыз 40:қырық 50:елу 60:алпыс 70:жетпіс 80:сексен 90:тоқсан ?0.5:жарты|жартысы`,
    times: '100:жүз',
    group: '1000:мың 1000000:миллион|млн 1000000000:миллиард|млрд',
    endings: /(?:[дт][аеыі]н?|[дтн](?:ың|ің)|н?[ае]н|[гғқк][ае]|[ны]ы|ні|ы?ншы|і?нші|[мбп]ен)$/u,
  },
  vi: {
    add: `?0:không ?1:một|mốt|nhất 2:hai 3:ba ?4:tư 4:bốn ?5:năm|lăm|nhăm 6:sáu 7:bảy|bẩy 8:tám 9:chín 10:mười`,
    times: '10:mươi 100:trăm',
    group: '1000:nghìn|ngàn 1000000:triệu|tr 1000000000:tỷ|tỉ',
  },
  it: {
    add: `0:zero ?1:un|uno|una|primo|prima ?2:secondo|seconda ?3:terzo|terza ?6:sei ?0.5:metà|mezzo|mezza 100:cento`,
    group: '1000:mille|mila 1000000:milione|milioni|mln 1000000000:miliardo|miliardi',
  },
  de: {
    add: `?1:ein|eine|einen|eins|einer 2:zwei 3:drei 4:vier 5:fünf 6:sechs 7:sieben 8:acht 9:neun 10:zehn 11:elf 12:zwölf 13:dreizehn
      14:vierzehn 15:fünfzehn 16:sechzehn 18:achtzehn 20:zwanzig 24:vierundzwanzig 30:dreißig 40:vierzig 50:fünfzig
      60:sechzig 70:siebzig 80:achtzig 90:neunzig`,
    times: '100:hundert',
    group: '1000:tausend 1000000:million|millionen',
  },
  fr: {
    add: `?1:un|une 2:deux 3:trois 4:quatre 5:cinq 6:six 7:sept 8:huit ?9:neuf 10:dix 11:onze 12:douze 13:treize 14:quatorze
      15:quinze 16:seize 20:vingt 30:trente 40:quarante 50:cinquante 60:soixante`,
    times: '100:cent|cents',
    group: '1000:mille 1000000:million|millions',
  },
  es: {
    add: `?1:un|uno|una 2:dos 3:tres 4:cuatro 5:cinco 6:seis 7:siete 8:ocho 9:nueve 10:diez 11:once 12:doce 13:trece 14:catorce
      15:quince 20:veinte 24:veinticuatro 30:treinta 40:cuarenta 50:cincuenta 60:sesenta 90:noventa 100:cien|ciento`,
    group: '1000:mil 1000000:millón|millones',
  },
  pt: {
    add: `?1:um|uma 2:dois|duas 3:três 4:quatro 5:cinco 6:seis 7:sete 8:oito 9:nove 10:dez 11:onze 12:doze 15:quinze 20:vinte
      30:trinta 40:quarenta 50:cinquenta 60:sessenta 90:noventa 100:cem|cento`,
    group: '1000:mil 1000000:milhão|milhões',
  },
}

/** Russian ordinals are adjectives: the stem of each with every ending. */
function russianOrdinals(): Map<string, number> {
  const stems = `четверт:4 пят:5 шест:6 седьм:7 восьм:8 девят:9 десят:10 одиннадцат:11 двенадцат:12 тринадцат:13
    четырнадцат:14 пятнадцат:15 шестнадцат:16 семнадцат:17 восемнадцат:18 девятнадцат:19 двадцат:20 тридцат:30`
  const endings = 'ый|ой|ая|ое|ого|ому|ым|ом|ую|ые|ых|ыми'.split('|')
  const pairs = stems.split(/\s+/).flatMap(entry => {
    const [own = '', value] = entry.split(':')
    return endings.map(ending => [own + ending, Number(value)] as const)
  })
  return new Map([
    ...pairs,
    ...['ий', 'ья', 'ье', 'ьего', 'ьему', 'ьим', 'ьем', 'ьей', 'ью', 'ьи', 'ьих'].map(
      ending => [`трет${ending}`, 3] as const,
    ),
  ])
}

function italianOrdinals(): Map<string, number> {
  const stems = [
    'quart',
    'quint',
    'sest',
    'settim',
    'ottav',
    'non',
    'decim',
    'undicesim',
    'dodicesim',
    'quindicesim',
    'ventesim',
  ]
  const values = [4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 20]
  // "non" with an ending is an ordinal, too, but never the negation itself.
  return new Map(stems.flatMap((own, i) => ['o', 'a', 'i', 'e'].map(ending => [own + ending, values[i]!] as const)))
}

/** Italian writes numbers below a thousand as one word. */
function italianNumbers(): Map<string, number> {
  const ones = `uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici
    diciassette diciotto diciannove`.split(/\s+/)
  const tens = 'venti trenta quaranta cinquanta sessanta settanta ottanta novanta'.split(' ')
  const below = new Map(ones.map((word, i) => [word, i + 1]))
  for (const [i, ten] of tens.entries()) {
    below.set(ten, (i + 2) * 10)
    for (const [j, one] of ones.slice(0, 9).entries())
      below.set((/^[uo]/.test(one) ? ten.slice(0, -1) : ten) + one, (i + 2) * 10 + j + 1)
  }
  const all = new Map(below)
  for (let hundred = 1; hundred < 10; hundred++) {
    const name = hundred === 1 ? 'cento' : `${ones[hundred - 1]}cento`
    all.set(name, hundred * 100)
    for (const [word, value] of below) all.set(name + word, hundred * 100 + value)
  }
  for (const [word, value] of below) all.set(`${word}mila`, value * 1000)
  return all
}

const rolesFor = memoized((language: string): ReadonlyMap<string, Role> => {
  const own = lists[language]
  const roles = new Map<string, Role>()
  if (own === undefined) return roles
  if (language === 'it')
    for (const [word, value] of italianNumbers()) roles.set(fold(word), { does: 'add', value, isSoft: false })
  const ordinals =
    language === 'it' ? italianOrdinals() : language === 'ru' ? russianOrdinals() : new Map<string, number>()
  for (const [word, value] of ordinals)
    roles.set(fold(word), { does: 'add', value, isSoft: value === 3 || value === 4 })
  const read = (list: string | undefined, does: Role['does']) => {
    for (const entry of list?.split(/\s+/) ?? []) {
      const [value = '', words = ''] = entry.split(':')
      const role = { does, value: Number(value.replace('?', '')), isSoft: value.startsWith('?') }
      for (const word of words.split('|')) roles.set(fold(word), role)
    }
  }
  read(own.add, 'add')
  read(own.times, 'times')
  read(own.group, 'group')
  return roles
})

function roleOf(word: string, language: string): Role | undefined {
  // Callers may name any language, and roles are kept.
  if (!Object.hasOwn(lists, language)) return undefined
  const roles = rolesFor(language)
  const exact = roles.get(word)
  const endings = lists[language]?.endings
  return exact ?? (endings && roles.get(word.replace(endings, '')))
}

/** Words that stand inside a number. */
const links: Readonly<Record<string, string>> = { en: 'and', vi: 'linh', es: 'y', pt: 'e' }

/** The numbers in a row of folded words of a language, in order. */
export function spokenNumbers(words: readonly string[], language: string): SpokenNumber[] {
  const found: SpokenNumber[] = []
  for (let index = 0; index < words.length; index++) {
    const number = numberAt(words, index, language)
    if (number === null) continue
    found.push(number)
    index = number.last
  }
  return found
}

/** Languages in which the word for a thousand is a number by itself. */
const bareGroups: ReadonlySet<string> = new Set(['ru', 'it', 'kk', 'fr', 'es', 'pt'])

function numberAt(words: readonly string[], first: number, language: string): SpokenNumber | null {
  const reading: Reading = { total: 0, current: 0, smallest: Infinity, isEmpty: true }
  let last = first - 1
  let isSoft = true
  for (let index = first; index < words.length; index++) {
    const isLink = last >= first && words[index] === links[language]
    if (isLink) index++
    const role = roleOf(words[index] ?? '', language)
    if (role === undefined || !readRole(reading, role, language)) break
    isSoft = (last < first || isSoft) && role.isSoft
    last = index
  }
  return last < first ? null : { value: reading.total + reading.current, first, last, isSoft }
}

interface Reading {
  /** Of the groups that are complete. */
  total: number
  current: number
  /** What is added next is smaller. */
  smallest: number
  isEmpty: boolean
}

/** Adds a word to the number; false when another number begins with it. */
function readRole(reading: Reading, { does, value }: Role, language: string): boolean {
  const { current, smallest, isEmpty } = reading
  if (does === 'add') {
    // "five or six", "two two", "ten and a half".
    if (value >= smallest || (value < 1 && !isEmpty)) return false
    reading.current += value
    reading.smallest = value >= 10 && value % 10 === 0 ? 10 ** Math.floor(Math.log10(value)) : 0.5
  } else if (does === 'times') {
    reading.current = Math.max(1, current) * value
    reading.smallest = value
  } else {
    // "1 million" in digits and words is read elsewhere; a bare "million" is no number.
    if (isEmpty && !bareGroups.has(language)) return false
    reading.total += Math.max(1, current) * value
    reading.current = 0
    reading.smallest = Infinity
  }
  reading.isEmpty = false
  return true
}

/** What a word multiplies a number in digits by: "2 million", "3 тысячи"; 1 for any other. */
export function multiplier(word: string, language: string): number {
  const role = roleOf(word, language)
  return role?.does === 'group' ? role.value : 1
}
