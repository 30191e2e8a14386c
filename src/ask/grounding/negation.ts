/**
 * Whether a clause denies something, by closed classes of words in each language: negations, and words that deny in
 * themselves ("without", "prohibited", "исключая"). Phrases that only set a bound ("no later than") deny nothing.
 */
import { fold } from '../../text/fold.ts'
import { memoized } from '../../text/memoized.ts'

interface Lists {
  /** Words that deny; a trailing `*` allows any ending, a leading `*` any beginning. */
  readonly denies: string
  /** Phrases that look like a negation and are none. */
  readonly bounds?: string
  /** Phrases that say that something is free; the first word is what they stand for. */
  readonly free?: string
}

const lists: Readonly<Record<string, Lists>> = {
  en: {
    denies: `not|no|never|none|nor|neither|nobody|nothing|nowhere|cannot|*n't|without|except|excep*|exclud*|exclus*|prohibit*|forbid*|
      forbidden|bans|banned|unable|impossible|refus*|reject*|denied|deny|denies|lack|lacks|lacking|fails|unavailable|invalid|
      void|unless|only|ineligible|unsupported|free|exempt*|instead|unpaid|disallow*|off limits|off-limits|cancelled|canceled|suspended|hardly|stop|stops|avoid|isnt|doesnt|dont|cant|wont`,
    bounds: `no later than|not later than|no more than|not more than|no less than|not less than|at least|no fewer than|no longer than|
      not exceed|does not exceed|not exceeding|not only|no earlier than|no lower than|not below|not under|if not|whether or not|no matter|feel free`,
    free: `free|free of charge|for free|costs? nothing|at no (?:extra |additional )?(?:cost|charge)|no charge|no fee|without (?:extra )?charge|for nothing`,
  },
  ru: {
    denies: `не|нет|ни|никогда|никто|никак|нельзя|без|невозможно|кроме|исключ*|запрещ*|запрет*|отказ*|лишь|только|недоступ*|недействит*|
      отсутств*|невозврат*|недопуст*|нигде|ничего|бесплатн*|незаконн*|неоплач*|некого|вместо|неполн*|лишен*|отмен*|приостан*`,
    bounds: `не позднее|не позже|не более|не больше|не менее|не меньше|не ранее|не раньше|не только|не превыша*|не свыше|не ниже|не выше|если не|не дольше`,
    free: `бесплатно|ничего не стоит|ничего не стоят|без (?:доп)?оплаты|без доплаты|даром`,
  },
  kk: {
    denies: `емес|жоқ|жок|ешқандай|ешқашан|ешкім|тыйым|болмайды|алмайды|мүмкін емес|тек|тегін|*мейді|*майды|*пайды|*пейді|*байды|*бейді|*маса|*месе|
      *маған|*меген|@|*пайтын|*пейтін|*майтын|*мейтін|*байтын|*бейтін|*сыз|*сіз|*сызба|*маңыз*|*меңіз*|*баңыз*|*беңіз*|*паңыз*|*пеңіз*|*маңдар|
      басқа|қоспағанда|*мау|*меу|*баған|*беген|*паған|*пеген|*мас|*мес`,
    bounds: `кем емес|артық емес|көп емес|кеш емес|кешіктірмей|аспайтын|аспайды|аспауы|кем болмауы|артық болмауы|артық &|көп &|кем &|кеш &`,
    free: `тегін|ақысыз`,
  },
  vi: {
    denies: `không|chưa|chẳng|chả|đừng|cấm|trừ|ngoại trừ|vắng|hủy|tạm ngừng|từ chối|thiếu|vô hiệu|miễn phí|chỉ|không thể`,
    bounds: `không quá|không muộn hơn|không ít hơn|không dưới|không nhiều hơn|không những|không chỉ|không vượt quá|không sớm hơn|không hơn|không thấp hơn|không cao hơn|không kém|chậm nhất|giảm trừ|khấu trừ|được trừ`,
    free: `miễn phí|không mất (?:phí|tiền)|không (?:thu|tính) (?:phí|tiền)|không tốn tiền`,
  },
  it: {
    denies: `non|no|né|mai|nessun*|niente|nulla|senza|eccetto|tranne|salvo|esclus*|esclud*|vietat*|vieta|sospes*|annullat*|proibit*|impossibil*|rifiut*|nemmeno|
      neanche|neppure|solo|soltanto|gratis|gratuit*|invalid*|priv*|manca|mancano|esent*|invece`,
    bounds: `non oltre|non più di|non meno di|non superiore|non inferiore|non sotto|non sopra|non prima|non solo|non più tardi`,
    free: `gratis|non costa (?:nulla|niente)|senza (?:costi|spese|costo)`,
  },
  de: {
    denies: 'nicht|kein*|nie|niemals|ohne|außer|ausgeschlossen|verboten|nur|weder|kostenlos',
    bounds: 'nicht nur|nicht mehr als|nicht später als|spätestens',
  },
  fr: {
    denies: 'ne|pas|jamais|aucun*|sans|sauf|exclu*|interdit*|ni|seulement|gratuit*|impossible',
    bounds: 'ne que|pas plus de|pas plus tard',
  },
  es: {
    denies:
      'no|nunca|jamás|ningún|ninguna|ninguno|sin|salvo|excepto|exclu*|prohibid*|tampoco|solo|sólo|gratis|gratuit*|imposible',
    bounds: 'no más de|no menos de|no solo|no más tarde',
  },
  pt: {
    denies: 'não|nunca|nenhum*|sem|exceto|salvo|exclu*|proibid*|apenas|só|grátis|gratuit*|impossível',
    bounds: 'não mais de|não só|não menos',
  },
  uk: {
    denies: 'не|ні|немає|ніколи|без|крім|заборон*|виключ*|лише|тільки|безкоштовн*|неможливо',
    bounds: 'не пізніше|не більше|не менше|не лише',
  },
}

interface Rules {
  readonly denies: RegExp
  readonly plain: RegExp
  readonly bounds: RegExp | null
  readonly free: { readonly pattern: RegExp; readonly word: string } | null
}

/** Negations proper; the other words deny only part of what a clause says, or in other words. */
const plainWords: Readonly<Record<string, string>> = {
  en: "not|no|never|none|nor|neither|nobody|nothing|cannot|*n't|dont|doesnt|cant|wont|isnt",
  ru: 'не|нет|ни|никогда|никто|нельзя',
  kk: '@|емес|жоқ|жок|*мейді|*майды|*пайды|*пейді|*байды|*бейді|*маған|*меген|*пайтын|*пейтін|*майтын|*мейтін|*байтын|*бейтін|*маңыз*|*меңіз*|*баңыз*|*беңіз*|*паңыз*|*пеңіз*',
  vi: 'không|chưa|chẳng|chả|đừng',
  it: 'non|né|mai|nessun*',
  de: 'nicht|kein*|nie|niemals',
  fr: 'ne|pas|jamais|aucun*',
  es: 'no|nunca|jamás|ningún|ninguna|ninguno',
  pt: 'não|nunca|nenhum*',
  uk: 'не|ні|немає|ніколи',
}

const rulesFor = memoized((language: string): Rules => {
  const own = lists[language]!
  const bounds = own.bounds?.split('|').map(phrase => patternOf(phrase.trim()))
  return {
    denies: new RegExp(wordsOf(language === 'en' ? `${own.denies}|#` : own.denies).source, 'gu'),
    plain: wordsOf(plainWords[language] ?? own.denies),
    free:
      own.free === undefined
        ? null
        : {
            pattern: new RegExp(`(?<![\\p{L}\\p{M}])(?:${fold(own.free)})(?![\\p{L}\\p{M}])`, 'gu'),
            word: fold(own.free.split('|')[0]!),
          },
    bounds: bounds ? new RegExp(`(?<![\\p{L}\\p{M}])(?:${bounds.join('|')})(?![\\p{L}\\p{M}])`, 'gu') : null,
  }
})

function wordsOf(list: string): RegExp {
  const words = list.split('|').map(word => patternOf(word.trim()))
  return new RegExp(`(?<![\\p{L}\\p{M}'])(?:${words.join('|')})(?![\\p{L}\\p{M}])`, 'u')
}

/** `&`: a verb with a negative ending; `@`: such an adverbial participle ("without doing"), too long for a name. */
function patternOf(word: string): string {
  return fold(word)
    .replace('#', String.raw`un(?!der|it|iv|til|ion|iq|if|less)\p{L}{3,}`)
    .replace('&', String.raw`[\p{L}\p{M}]{2,20}(?:[мбп][ае]йды|[мбп][ае]йд[іи]|[мбп][ае]у\S*)`)
    .replace('@', String.raw`[\p{L}\p{M}]{4,20}[мбп][ае]й`)
    .replace(/\s+/g, '\\s+')
    .replace(/^\*/, '[\\p{L}\\p{M}]{1,20}')
    .replace(/\*$/, '[\\p{L}\\p{M}]*')
}

const deniedVerb = /(?:[мбп][ае]й[дт]\p{L}*|[мбп][ае][ғг][ае]н|[мбп][ае]с[ае]?|[мбп][ае]ң[ыі]з)$/u

/** Positions of the words that carry a negation in their ending, as Kazakh verbs do; bounds do not count. */
export function deniedWords(words: readonly string[], language: string): ReadonlySet<number> {
  if (language !== 'kk') return new Set()
  return new Set(
    words.flatMap((word, index) => {
      const isBound = /^(?:артық|көп|кем|кеш)$/u.test(words[index - 1] ?? '') || word.startsWith('аспа')
      if (!deniedVerb.test(word) || word.length <= 5 || isBound) return []
      // "May not be returned": the verb before it is what is denied.
      return /^болма/u.test(word) && index > 0 ? [index - 1, index] : [index]
    }),
  )
}

/** How a clause denies something. */
export interface Negation {
  /** It has a negation proper. */
  readonly isPlain: boolean
  /** Words that deny in themselves. */
  readonly implied: ReadonlySet<string>
}

const noNegation: Negation = { isPlain: false, implied: new Set() }

/** How a clause denies something; nothing is found in a language without a list. */
export function negationOf(clause: string, language: string): Negation {
  if (!Object.hasOwn(lists, language)) return noNegation
  const { denies, plain, bounds, free } = rulesFor(language)
  const own = fold(clause)
  const folded = free ? own.replace(free.pattern, ` ${free.word} `) : own
  const text = bounds ? folded.replace(bounds, ' ') : folded
  const implied = Array.from(text.matchAll(denies), ([word]) => word).filter(word => !isWhole(plain, word))
  return { isPlain: plain.test(text), implied: new Set(implied) }
}

function isWhole(pattern: RegExp, word: string): boolean {
  return pattern.exec(word)?.[0] === word
}

/** Whether a text says that something is free. */
export function saysFree(text: string, language: string): boolean {
  const { free, denies } = Object.hasOwn(lists, language) ? rulesFor(language) : { free: null, denies: null }
  if (!free || !denies) return false
  return new RegExp(free.pattern.source, 'u').test(fold(text)) || /(?<!\p{L})(?:бесплатн|gratuit)/u.test(fold(text))
}

/** Words of which one side says the opposite of the other. */
const oppositeLists: Readonly<Record<string, string>> = {
  en: 'open|opens|opened : closed|closes|shut; allow*|permit* : prohibit*|forbid*|forbidden|banned|disallow*; hot : cold; written|writing : oral*|verbal*; includ* : exclud*; required|mandatory|compulsory|obligatory : optional|voluntary',
  ru: 'открыт*|работает|работают : закрыт*; разреш* : запрещ*|недопуст*; горяч* : холодн*; письменн* : устн*; обязател*|необходим* : необязател*|добровольн*; бесплатн* : платн*',
  kk: 'ашық : жабық; ыстық : суық; жазбаша : ауызша; рұқсат* : тыйым*; міндетті : ерікті; тегін : ақылы',
  vi: 'mở cửa : đóng cửa; nóng : lạnh; cho phép|được phép : cấm; bắt buộc : tùy chọn|tự nguyện; miễn phí : có phí|mất phí|thu phí',
  it: 'apert*|apre|aprono : chius*|chiude|chiudono; cald* : fredd*; permess*|consentit* : vietat*|proibit*; obbligatori* : facoltativ*|opzional*; inclus*|compres* : esclus*',
}

const oppositesFor = memoized((language: string) =>
  (oppositeLists[language] ?? '')
    .split(';')
    .filter(pair => pair !== '')
    .map(pair => pair.split(' : ').map(wordsOf) as [RegExp, RegExp]),
)

/** Whether one text has a word, and the other only its opposite: "open" and "closed". */
export function haveOpposites(one: string, other: string, language: string): boolean {
  if (!Object.hasOwn(oppositeLists, language)) return false
  const [a, b] = [fold(one), fold(other)]
  const isOnly = (text: string, has: RegExp, lacks: RegExp) => has.test(text) && !lacks.test(text)
  return oppositesFor(language).some(
    ([left, right]) =>
      (isOnly(a, left, right) && isOnly(b, right, left)) || (isOnly(a, right, left) && isOnly(b, left, right)),
  )
}

/** Whether a text says that something is closed, or has another word on the denying side of two opposites. */
export function isClosed(text: string, language: string): boolean {
  return Object.hasOwn(oppositeLists, language) && oppositesFor(language).some(([, right]) => right.test(fold(text)))
}

/** `agree`: "not open" and "closed"; `oppose`: "open" and "closed"; null where the texts have no opposites. */
export function oppositesIn(a: string, b: string, language: string): 'agree' | 'oppose' | null {
  if (!haveOpposites(a, b, language)) return null
  const [own, other] = [negationOf(a, language), negationOf(b, language)]
  if (own.isPlain !== other.isPlain) return 'agree'
  return own.isPlain || exceptive.test(fold(a)) || exceptive.test(fold(b)) ? null : 'oppose'
}

const conditions: Readonly<Record<string, RegExp>> = {
  en: /^(?:(?:and|but|or|yes|no),? )?(?:if|when|whenever|in case|whoever|anyone who|should you)(?![\p{L}])/u,
  ru: /^(?:[аи] |но )?(?:если|когда|при условии)(?![\p{L}])/u,
  kk: /(?:^егер(?![\p{L}])|[сc][аеә]|саңыз|сеңіз|сеніз|саныз)$|^егер(?![\p{L}])/u,
  vi: /^(?:và |nhưng )?(?:nếu|khi|trong trường hợp)(?![\p{L}])/u,
  it: /^(?:e |ma )?(?:se|quando|qualora|nel caso|chi)(?![\p{L}])/u,
}

/** Whether a clause only supposes something: "if the tank is not full". */
export function isCondition(clause: string, language: string): boolean {
  return Object.hasOwn(conditions, language) && conditions[language]!.test(fold(clause))
}

const purposes: Readonly<Record<string, RegExp>> = {
  en: /^(?:in order )?to \p{Ll}/u,
  ru: /^(?:для того,? чтобы|чтобы|для)(?![\p{L}])/u,
  kk: /(?:^|\s)үшін$/u,
  vi: /^(?:để|muốn)(?![\p{L}])/u,
  it: /^per \p{Ll}+[aei]r[ei]?(?![\p{L}])/u,
}

/** Whether a clause only says what for, as a question did: "to create an order, …". */
export function isPurpose(clause: string, language: string): boolean {
  return Object.hasOwn(purposes, language) && purposes[language]!.test(fold(clause))
}

const exceptive =
  /(?<![\p{L}\p{M}])(?:except|excluding|other than|apart from|but not|besides|unless|кроме|за исключением|исключая|басқа|қоспағанда|trừ|ngoại trừ|eccetto|tranne|salvo)\s+(?:(?:on|the|il|lo|la|i|gli|le|in|в|во|по|на)\s+)?/u

const without = /(?<![\p{L}\p{M}])(?:without|без|senza)\s+/u

/** What a text says "without" of, folded. Null where it does not. */
export function withoutIn(text: string): string | null {
  return phraseAfter(without, text)
}

/** What a text makes an exception of, folded. Null where there is none. */
export function exceptionIn(text: string): string | null {
  return phraseAfter(exceptive, text)
}

function phraseAfter(pattern: RegExp, text: string): string | null {
  const folded = fold(text)
  const found = pattern.exec(folded)
  return found && /^[^,;:.!?()]{0,60}/u.exec(folded.slice(found.index + found[0].length))![0]
}

/** Whether a text denies anything. */
export function deniesAnything({ isPlain, implied }: Negation): boolean {
  return isPlain || implied.size > 0
}

/**
 * Whether two clauses that say the same words may mean the same: not if only one of them has a negation. A word that
 * denies in itself may stand for one, unless both have it.
 */
export function mayAgree(a: Negation, b: Negation): boolean {
  if (a.isPlain === b.isPlain) return true
  return !(a.isPlain ? b : a).implied.isSubsetOf((a.isPlain ? a : b).implied)
}

/** A negated bound ("no more than five") without its negation is another claim; so is a bound turned around. */
const directions: Readonly<Record<string, readonly [most: string, least: string, over: string, under: string]>> = {
  en: [
    'no later than|not later than|no more than|not more than|no longer than|at most|up to|maximum|not exceed|not exceeding|within',
    'no less than|not less than|at least|no fewer than|minimum|no earlier than|not earlier than',
    'more than|over|exceeds?|longer than|later than',
    'less than|fewer than|under|below|earlier than',
  ],
  ru: [
    'не позднее|не позже|не более|не больше|не свыше|не превышает|не дольше|максимум|до',
    'не менее|не меньше|не ранее|не раньше|минимум|как минимум',
    'более|больше|свыше|позднее|позже|дольше',
    'менее|меньше|ранее|раньше',
  ],
  vi: [
    'không quá|không muộn hơn|không nhiều hơn|tối đa|chậm nhất',
    'không ít hơn|không dưới|ít nhất|tối thiểu',
    'hơn|trên|quá|vượt quá',
    'dưới|ít hơn',
  ],
  it: ['non oltre|non più di|al massimo|massimo|entro', 'non meno di|almeno|minimo', 'più di|oltre', 'meno di|sotto'],
  kk: ['аспайтын|аспайды|артық емес|көп емес|дейін', 'кем емес|кемінде', 'артық|асатын|асса', 'кем|аз'],
}

type Direction = 'most' | 'least' | 'over' | 'under'

const directionsFor = memoized((language: string) =>
  (['most', 'least', 'over', 'under'] as const).map((direction, i) => {
    const words = directions[language]![i]!.split('|').map(word => fold(word).replace(/\s+/g, '\\s+'))
    return {
      direction,
      pattern: new RegExp(`(?<![\\p{L}\\p{M}])(?:${words.join('|')})(?=\\s+(?:[\\p{L}]+\\s+)?\\d)`, 'gu'),
    }
  }),
)

/** The bounds that a text sets, where it says so. */
export function boundsOf(text: string, language: string): ReadonlySet<Direction> {
  const found = new Set<Direction>()
  if (!Object.hasOwn(directions, language)) return found
  let rest = fold(text)
  for (const { direction, pattern } of directionsFor(language)) {
    const left = rest.replace(pattern, ' ')
    if (left !== rest) found.add(direction)
    rest = left
  }
  return found
}
