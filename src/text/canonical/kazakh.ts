import { unmixScripts } from '../fold.ts'
import { fronted, type Grammar } from './grammar.ts'
import { end, rulesOf } from './rules.ts'

const frames = rulesOf(`
  екенін айтыңызшы/айтып_беріңізші/білгім_келеді $ = $
  өтінемін/өтінем
  айтыңызшы/айтшы/түсіндіріңізші/көмектесіңізші
  айтып/түсіндіріп беріңізші/беріңіз/берсеңіз/берсеңізші/бересіз_бе/жіберіңізші
  рақмет/рахмет сізге/көп? $ = $
  алдын ала рақмет/рахмет $ = $
  ^ сәлеметсіз_бе/сәлеметсіздер_ме/сәлем/армысыз/кешіріңіз = ^
  ^ қайырлы күн/таң/кеш = ^
  ^ менің? сұрағым бар/бар_еді = ^
  ^ айта/түсіндіре аласыз/аласыздар ба = ^
  ^ білесіз/білесіздер бе/ме = ^
  ^ мен/біз? білгім/білгіміз келеді/келеді_еді/келген_еді = ^
  ^ мен? сұрайын деп_едім/дегенім = ^
`)

const asked = rulesOf(`
  ^ мен/біз = ^ SELF
  ^ маған/бізге = ^ TOSELF
  менің/біздің
  қалай/қалайша = HOW
  қашан = WHEN
  сағат нешеде/қаншада = TIME
  қайда/қай_жерде = WHERE
  ма/ме/ба/бе/па/пе = YN
  қажет = керек
  дегеніміз = деген
`)

const ables: ReadonlySet<string> = new Set(['аламын', 'аламыз'])
const allowed: ReadonlySet<string> = new Set(['болады', 'бола'])

/** May I pay: "төлеуге болады", "төлей аламын", "төлесем болады". */
function permission(words: readonly string[]): readonly string[] {
  const at = words.findLastIndex(word => ables.has(word) || allowed.has(word))
  const verb = words[at - 1] ?? ''
  const form = ables.has(words[at] ?? '') ? /^(.{2,}?)(?:й|[ае])$/ : /^(.{2,}?)(?:уға|уге|са[мқ]|се[мк])$/
  const root = isLast(words, at) ? form.exec(verb)?.[1] : undefined
  return root === undefined ? words : words.toSpliced(at - 1, 2, `${root}~`, 'CAN')
}

function isLast(words: readonly string[], at: number): boolean {
  return words[at + 1] === end || (words[at + 1] === 'YN' && words[at + 2] === end)
}

/** Must I pay: "төлеу керек", "төлеуім керек", "төлеуіміз керек". Not "төлеуі керек": must he. */
function obligation(words: readonly string[]): readonly string[] {
  const at = words.indexOf('керек')
  const root = /^(.{2,}у)(?:ым|ім|ымыз|іміз)?$/.exec(words[at - 1] ?? '')?.[1]
  return root === undefined ? words : words.toSpliced(at - 1, 2, root, 'MUST')
}

/**
 * Turns "қалай тіркелемін" (how do I register) into "қалай тіркелуге болады". Not with a negated verb ("бармаймын").
 */
function ability(words: readonly string[]): readonly string[] {
  const root = /^(.{2,}?)(?:й|[ае])(?:мын|мін|мыз|міз)$/.exec(words.at(-2) ?? '')?.[1]
  const isAsked = words.includes('HOW') || words.includes('WHERE')
  return root === undefined || !isAsked || /[мбп][ае]$/.test(root) ? words : words.toSpliced(-2, 1, `${root}~`, 'CAN')
}

/** Drops "I" and "to me" where the verb or the need is the asker's anyway. */
function withoutSelf(words: readonly string[]): readonly string[] {
  if (words[1] === 'SELF') return words.includes('CAN') || words.includes('MUST') ? words.toSpliced(1, 1) : words
  return words[1] === 'TOSELF' && words.includes('керек') ? words.toSpliced(1, 1) : words
}

/**
 * Takes a question about the time as the hour only for things that open and close; for an examination it is the day.
 */
function withTime(words: readonly string[]): readonly string[] {
  const isDaily = words.some(word => /^(?:аш|жаб)ылады$/.test(word))
  return isDaily ? words.map(word => (word === 'TIME' ? 'WHEN' : word)) : words
}

const adverbs: ReadonlySet<string> = new Set(['HOW', 'WHEN', 'WHERE'])

function arrange(words: readonly string[]): readonly string[] {
  const verbs = withoutSelf(ability(obligation(permission(withTime(words)))))
  return fronted(verbs, { isMoved: word => adverbs.has(word), isBarrier: word => word === 'егер' })
}

const hard = '[пткқсшфхцчщбвгд]'
const vowel = '[аәеёиоөуұүыіэюя]'
/** An ending counts only after letters that it takes: "қағазда" (on paper) has one, "карта" has none. */
const plural = new RegExp(`^(.{2,}(?:(?<=${hard})т|(?<=[лмнңзж])д|(?<=[рй]|${vowel})л)[ае]р)(ы|і|)$`)
const cases: readonly (readonly [string, RegExp])[] = [
  ['ның', new RegExp(`(?:(?<=${hard})т|(?<=[рлйзжу])д|(?<=[мнң]|${vowel})н)[ыі]ң$`)],
  ['дан', new RegExp(`(?:(?<=${hard})т|(?<=[рлйзжу]|${vowel})д|(?<=[мнң])н)[ае]н$`)],
  ['ны', new RegExp(`(?:(?<=${hard})т|(?<=[рлйзжумнң])д|(?<=${vowel})н)[ыі]$`)],
  ['ға', new RegExp(`(?:(?<=${hard})(?:қа|ке)|(?<!${hard})(?:ға|ге))$`)],
  ['да', new RegExp(`(?:(?<=${hard})т|(?<!${hard})д)[ае]$`)],
]

/**
 * Cases decide who does what, so they stay, in one spelling ("кітапты", "кітаптарды"); only the plural is removed.
 * Words keep all their letters: without them "құн" (price) becomes "күн" (day).
 */
function bare(word: string): string {
  if (word.length < 5) return word
  for (const [name, ending] of cases) {
    const stem = word.replace(ending, '')
    if (stem.length >= 3 && stem !== word) return `${singular(stem)}~${name}`
  }
  return singular(word)
}

function singular(word: string): string {
  const [, stem = '', owned = ''] = plural.exec(word) ?? []
  return stem.length >= 6 ? stem.slice(0, -3) + owned : word
}

export const kazakh: Grammar = {
  split: word => [unmixScripts(word.replaceAll("'", ''))],
  areNamesBare: true,
  conditions: new Set(['егер']),
  frames,
  steps: [asked],
  arrange,
  bare,
}
