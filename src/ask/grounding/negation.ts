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

/** The pattern of a list of words, separated by `|`; `*` stands for any letters. */
export function wordsOf(list: string): RegExp {
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
      return word.startsWith('болма') && index > 0 ? [index - 1, index] : [index]
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
  const free = Object.hasOwn(lists, language) ? rulesFor(language).free : null
  if (free === null) return false
  const folded = fold(text)
  return folded.search(free.pattern) >= 0 || /(?<!\p{L})(?:бесплатн|gratuit)/u.test(folded)
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
