/**
 * Abbreviations whose full stop does not end a sentence, in lower case, without the last full stop. Those that often do
 * end one ("etc.", "и т. д.", "5 тыс. руб.", "Inc.") are left out: within a sentence they are followed by a small
 * letter, which Unicode's rules handle.
 */

/** Abbreviations followed by a word or a number. */
const beforeAnything = words(`
  e.g i.e cf viz vs ca approx resp dr mr mrs ms prof jr gen col capt lt sgt rev hon gov messrs mt st al figs eqs
  т.е т.к т.н т.о г гг в вв ст п пп ч гл разд рис табл стр см ср напр им ул пр просп пер обл р-н пос дер ауд каб тел
  проф акад доц асп канд докт гр г-н г-жа св о р изд ред сост прим подп абз прил
  ж б мыс қ көш даң
  tp ths ts pgs gs
  sr sig sigg dott dott.ssa ing avv artt pagg
  z z.b d.h nr str bzw hrsg vgl evtl ggf inkl
  p.ex mme mmes mlle c.-à-d
  sra srta dra ud uds núm pág págs p.ej`)

/** Also words ("No. It is not.") or measures: abbreviations only before a number. */
const beforeNumber = words(`
  no nos n art arts sec sect ch chap vol vols fig eq tab app par pt p pp q v ver ref refs abs cap pag ed
  с д к кв корп пункт tr`)

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/))
}

const listNumber = /^\(?(?:\d{1,3}|\p{L}|[ivxIVX]{1,4})(?:\.\d{1,3}){0,3}[.)]$/u
const lastWord = /(?:^|[\s("«„“'[])(\p{L}[\p{L}\p{M}.-]{0,8})\.$/u
const initial = /(?:^|[\s("«„“'[.])(?!I\.)\p{Lu}\.$/u
const gap = /(?<=(?:^|[\s.(])\p{L}\.) (?=\p{L}{1,2}\.$)/u
const germanDay = /(?:^|\s)[1-3]?\d\.$/
const germanMonth = /^(?:Jan|Feb|März|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Jänner)/

/** Whether a sentence cannot end here: after an abbreviation, an initial ("А. С. Пушкин") or a list number. */
export function isOpen(sentence: string, following: string): boolean {
  const tail = sentence.slice(-40).trimEnd()
  if (sentence.length <= 16 && listNumber.test(tail.trimStart())) return true
  if (!tail.endsWith('.')) return false
  if (initial.test(tail)) return true
  if (germanDay.test(tail) && germanMonth.test(following)) return true
  const word = lastWord.exec(tail.replace(gap, ''))?.[1]?.toLowerCase()
  if (word === undefined) return false
  return beforeAnything.has(word) || (beforeNumber.has(word) && /^\p{N}/u.test(following))
}
