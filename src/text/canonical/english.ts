import { fronted, type Grammar } from './grammar.ts'
import { end, rulesOf, start } from './rules.ts'

const openers = 'how/what/which/when/where/who/why/whether/if/about/can/is/are/do/does/should'

const frames = rulesOf(`
  please
  kindly
  say thanks/thank_you $ = say thanks $
  thanks/thank_you in_advance? $ = $
  ^ hi/hello/hey/greetings there/all/everyone? = ^
  ^ good morning/afternoon/evening/day = ^
  ^ hello world = ^ hello world
  ^ excuse_me/just_wondering/quick_question = ^
  ^ so/well/ok/okay/sorry/and ${openers} = ^ {-1}
  ^ i have a/one quick? question = ^
  ^ can/could/would/will you tell/explain_to/advise/inform/remind me/us = ^
  ^ can/could/would/will you show me/us ${openers} = ^ {-1}
  ^ can/could/would/will you explain/clarify = ^
  ^ can/could/would/will you let me/us know = ^
  ^ show me/us ${openers} = ^ {-1}
  ^ tell/advise/inform/remind/explain_to me/us = ^
  ^ explain/clarify = ^
  ^ let me/us know = ^
  ^ may/can/could i/we ask/know ${openers} = ^ {-1}
  ^ i/we would_like/want/wish to know/find_out = ^
  ^ i/we would_like/want/wish/need to know/ask/understand/learn/find_out ${openers} = ^ {-1}
  ^ i am/was trying to find_out/understand/learn ${openers} = ^ {-1}
  ^ do/does you/anyone/anybody/someone happen_to? know = ^
  ^ help me understand = ^
  ^ any_idea = ^
  ^ i/we am/was/were? wondering/wonder = ^
`)

/** Applied first: "can not" and "can I not" differ, and the "do" of "do taxes" is not an auxiliary. */
const firstly = rulesOf(`
  can not = CANNOT
  i/we/you/they do not = {1} do not
  i/we/you/they/to/not/can/could/should/may/might/must/will/would do = {1} do~
`)

const modals = 'can/could/may'
const asked = rulesOf(`
  how do/can/could/should/would/may/might i/we = HOW
  how to = HOW
  how i/we can/could/should/may/might? = HOW
  how long = HOWLONG
  how often = HOWOFTEN
  how much = HOWMUCH
  how many = HOWMANY
  how = HOW
  where do/can/could/should/may i/we = WHERE
  where i/we can/could/should/may? = WHERE
  where to = WHERE
  where = WHERE
  when = WHEN
  at? what time = TIME
  why can i/we not = WHY CANNOT
  why CANNOT i/we = WHY CANNOT
  why i/we CANNOT = WHY CANNOT
  why = WHY
  who/whom do i/we = WHO I
  who/whom can/could/should i/we contact/ask/call/email/write/talk/speak = WHO I {-1}
  who/whom i/we = WHO I
  who/whom i/we can/could/should contact/ask/call/email/write/talk/speak = WHO I {-1}
  who is/are the = WHO BE THE
  who the = WHO THE
  who = WHO
  what is/are the = WHAT BE THE
  what the = WHAT THE
  what/which = WHAT
  ^ do/does i/we have/need to = ^ YN MUST I
  ^ do/does = ^ YN
  do/does i/we have/need to = MUST I
  do/does i/we not = I not
  do/does not = not
  do/does i/we = I
  i/we have/need to = MUST I
  have/has/need/needs to = MUST
  must i/we = MUST I
  i/we must = MUST I
  must = MUST
  be required/obliged to = be MUST
  am/are i/we required/obliged to = MUST I
  should i/we = SHOULD I
  i/we should = SHOULD I
  ought to = SHOULD
  should = SHOULD
  am/are i/we allowed/permitted to = CAN I
  i/we am/are allowed/permitted to = CAN I
  is it possible/allowed/permitted for_me/for_us? to = CAN I
  it is possible/allowed/permitted for_me/for_us? to = CAN I
  in/on/of/by/until/till/since/before/after/from/to/this/next/last/every/late/early/during may = {1} may
  ${modals} i/we = CAN I
  i/we ${modals} = CAN I
  ${modals} = CAN
  CANNOT i/we = CANNOT I
  i/we CANNOT = CANNOT I
  am/are i/we = BE I
  i/we am/are = BE I
  am/is/are = BE
  did/will/have/had/was/were/would/shall/might i/we = {1} I
  i/we did/will/have/had/was/were/would/shall/might = {2} I
  ^ i/we = ^ I
  if/when/that/because/after/before/while/and/or/once/since/until/as/unless/but/whether/than i/we = {1} I
  whether = YN
  me/us = ME
  my/our
`)

/**
 * Heads of "the library's opening hours", which equals "the opening hours of the library"; other nouns are not unified.
 */
const heads: ReadonlySet<string> = new Set([
  'hours',
  'hour',
  'address',
  'price',
  'cost',
  'fee',
  'deadline',
  'schedule',
  'timetable',
  'email',
  'website',
])
const modifiers: ReadonlySet<string> = new Set(['opening', 'working', 'office', 'email', 'postal', 'annual', 'monthly'])
const prepositions: ReadonlySet<string> = new Set(
  `of in on at for from to with without by until till since before after between over under
  during about per and or if when while not BE CAN MUST SHOULD`.split(/\s+/),
)

/** Turns "cost of X in Y" into "X cost in Y". */
function headsLast(words: readonly string[]): readonly string[] {
  const of = words.findIndex((word, i) => word === 'of' && heads.has(words[i - 1] ?? ''))
  if (of < 0 || words.indexOf('of', of + 1) > 0) return words
  const from = modifiers.has(words[of - 2] ?? '') ? of - 2 : of - 1
  const to = words.findIndex((word, i) => i > of && (prepositions.has(word) || word === end))
  const owner = words.slice(of + 1, to)
  return [...words.slice(0, from), ...owner, ...words.slice(from, of), ...words.slice(to)]
}

function withoutPossessive(words: readonly string[]): readonly string[] {
  const isHeadAfter = (i: number) => heads.has(words[modifiers.has(words[i + 1] ?? '') ? i + 2 : i + 1] ?? '')
  return words.filter((word, i) => word !== "'s" || !isHeadAfter(i))
}

/** After these words a single letter is a name: "category A". */
const lettered: ReadonlySet<string> = new Set(
  `category type class vitamin hepatitis level grade plan section group form block building gate
  terminal zone part appendix annex schedule option series visa`.split(/\s+/),
)

function withoutArticles(words: readonly string[]): readonly string[] {
  return words.filter(
    (word, i) =>
      word !== 'the' && ((word !== 'a' && word !== 'an') || lettered.has(words[i - 1] ?? '') || words[i + 1] === end),
  )
}

const auxiliaries: ReadonlySet<string> = new Set([
  'BE',
  'CAN',
  'CANNOT',
  'MUST',
  'SHOULD',
  'did',
  'will',
  'would',
  'was',
  'were',
  'have',
  'had',
])
const movable: ReadonlySet<string> = new Set(['BE', 'CAN', 'MUST', 'SHOULD'])
const adverbs: ReadonlySet<string> = new Set(['HOW', 'WHERE', 'WHEN', 'TIME', 'WHY', 'HOWLONG', 'HOWOFTEN', 'YN'])
const nominal: ReadonlySet<string> = new Set(['WHAT', 'WHO', 'HOWMUCH', 'HOWMANY', 'whose', 'whom'])
const notBeforeDo: ReadonlySet<string> = new Set([
  'I',
  'i',
  'we',
  'you',
  'they',
  'he',
  'she',
  'it',
  'to',
  'not',
  'that',
  'CAN',
  'CANNOT',
  'MUST',
  'SHOULD',
  'will',
  'would',
  'did',
])

/** Removes the first "do" that only forms the question: "what do students pay". */
function withoutDo(words: readonly string[]): readonly string[] {
  const at = words.findIndex(
    (word, i) => (word === 'do' || word === 'does') && words[i + 1] !== end && !notBeforeDo.has(words[i - 1] ?? ''),
  )
  return at < 0 ? words : words.toSpliced(at, 1)
}

const barriers: ReadonlySet<string> = new Set(
  'if whether that because while until till unless after before since as so and or but though than'.split(' '),
)
const isBarrier = (word: string): boolean => barriers.has(word) || adverbs.has(word) || nominal.has(word)

/**
 * Unifies "where the library is" and "where is the library": a single auxiliary moves to the front. Not when something
 * is negated, or when the order decides who does it ("what can students teach", "what students can teach").
 */
function auxiliaryFirst(words: readonly string[]): readonly string[] {
  if (words.some(word => word === 'not' || word === 'CANNOT')) return words
  if (words.filter(word => auxiliaries.has(word)).length > 1) return words
  const isPlace = (word: string): boolean => adverbs.has(word) || nominal.has(word)
  if (!words.some(word => nominal.has(word)))
    return fronted(words, { isMoved: word => movable.has(word), isPlace, isBarrier })
  return words.at(-2) === 'BE' ? fronted(words, { isMoved: word => word === 'BE', isPlace, isBarrier }) : words
}

/** Drops the first person, which is just the asker. With such a word it stays: "who do I pay" is not "who pays". */
function withoutFirstPerson(words: readonly string[]): readonly string[] {
  if (words.some(word => nominal.has(word))) return words.map(word => (word === 'i' || word === 'we' ? 'I' : word))
  return words.filter(word => word !== 'I')
}

function withYesNo(words: readonly string[]): readonly string[] {
  return auxiliaries.has(words[1] ?? '') ? [start, 'YN', ...words.slice(1)] : words
}

/**
 * Takes a question about the time as "when" only for things that open and close; "when is the exam" asks for the day.
 */
function withTime(words: readonly string[]): readonly string[] {
  if (words.includes('BE') || !words.some(word => /^(?:open|close)s?$/.test(word))) return words
  return words.map(word => (word === 'TIME' ? 'WHEN' : word))
}

function arrange(words: readonly string[]): readonly string[] {
  const nouns = withoutPossessive(headsLast(withoutArticles(words)))
  return withYesNo(auxiliaryFirst(withTime(withoutFirstPerson(withoutDo(nouns)))))
}

const contractions: Readonly<Record<string, string>> = {
  "can't": 'CANNOT',
  cannot: 'CANNOT',
  cant: 'CANNOT',
  "won't": 'will not',
  "shan't": 'shall not',
  dont: 'do not',
  doesnt: 'does not',
  didnt: 'did not',
  isnt: 'is not',
  arent: 'are not',
  whats: 'what is',
  "i'm": 'i am',
  im: 'i am',
  "let's": 'let us',
  "o'clock": "o'clock",
}
const clitics: Readonly<Record<string, string>> = {
  "n't": 'not',
  "'re": 'are',
  "'ve": 'have',
  "'ll": 'will',
  "'d": 'would',
}
const isAfter = /^(what|who|where|when|why|how|it|that|there|here|he|she)'s$/

function split(word: string): readonly string[] {
  const known = Object.hasOwn(contractions, word) ? contractions[word] : undefined
  if (known !== undefined) return known.split(' ')
  if (!word.includes("'")) return [word]
  if (isAfter.test(word)) return [word.slice(0, -2), 'is']
  const [, base = '', clitic = ''] = /^(.+?)(n't|'(?:re|ve|ll|s|d))$/.exec(word) ?? []
  if (clitic) return [base, clitics[clitic] ?? clitic]
  return word.endsWith("s'") ? [word.slice(0, -1), "'s"] : [word.replace(/'$/, '')]
}

const titles: ReadonlySet<string> = new Set(['professor', 'prof', 'dr', 'doctor', 'mr', 'mrs', 'ms', 'miss', 'sir'])
/** Words that would be another word without their s, and surnames that are also first names. */
const whole: ReadonlySet<string> = new Set(
  `means customs goods arms works terms contents damages premises savings earnings securities minutes
  windows teams docs maps times rights honors glasses news does always perhaps besides towards sometimes afterwards plus bonus thus its his this
  williams roberts adams peters james richards edwards stevens phillips daniels andrews evans harris matthews michaels
  collins rogers thomas charles johns jones hughes davis lewis`.split(/\s+/),
)

/**
 * Removes only the s of plurals and of "he pays". A stemmer removes more and would give wrong answers: "train" for
 * "training", "close" for "closed", "organ" for "organization", "import" for "important".
 */
function bare(word: string, preceding: readonly string[]): string {
  if (word === 'has') return 'have'
  if (whole.has(word) || titles.has(preceding.at(-1) ?? '') || !/^[a-z]{4,}$/.test(word)) return word
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`
  if (word.endsWith('ie')) return `${word.slice(0, -2)}y`
  if (/(?:ss|x|ch|sh|zz)es$/.test(word)) return word.slice(0, -2)
  return /[^suiy]s$|[aeo]ys$/.test(word) && !/cs$|^[^aeiouy]+s$/.test(word) ? word.slice(0, -1) : word
}

export const english: Grammar = {
  split,
  capitals: new Set(['i']),
  conditions: new Set(['if', 'whether']),
  frames,
  steps: [firstly, asked],
  arrange,
  bare,
}
