/** Words that say the opposite of each other: "open" and "closed". */
import { fold } from '../../text/fold.ts'
import { memoized } from '../../text/memoized.ts'
import { exceptionIn } from './conditions.ts'
import { negationOf, wordsOf } from './negation.ts'

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
  const isOnly = (text: string, has: RegExp, lacks: RegExp) => has.test(text) && !lacks.test(text)
  const own = fold(one)
  const said = oppositesFor(language).flatMap(([left, right]) =>
    isOnly(own, left, right) ? [[right, left] as const] : isOnly(own, right, left) ? [[left, right] as const] : [],
  )
  if (said.length === 0) return false
  const theirs = fold(other)
  return said.some(([has, lacks]) => isOnly(theirs, has, lacks))
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
  return own.isPlain || exceptionIn(a) !== null || exceptionIn(b) !== null ? null : 'oppose'
}
