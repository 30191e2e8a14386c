import { fronted, type Grammar } from './grammar.ts'
import { rulesOf } from './rules.ts'

const openers =
  'как/каким/где/куда/откуда/когда/сколько/кто/кому/кого/что/какой/какая/какое/какие/какую/почему/зачем/можно/нужно/надо/есть/могу/должен'

const frames = rulesOf(`
  пожалуйста
  будьте добры/любезны
  сказать спасибо $ = сказать спасибо $
  спасибо/благодарю заранее/большое? $ = $
  заранее спасибо/благодарю $ = $
  ^ здравствуйте/привет/приветствую/извините/простите/прошу_прощения/доброго_дня = ^
  ^ добрый/доброе/доброго день/вечер/утро/времени_суток = ^
  ^ ну/вот/а = ^
  ^ скажите/подскажите/расскажите/объясните/поясните/уточните/посоветуйте/ответьте мне/нам? = ^
  ^ не скажете/подскажете/расскажете/знаете ли? вы? мне? = ^
  ^ вы не скажете/подскажете/знаете = ^
  ^ вы? можете/могли ли/бы? вы/бы? мне/нам? подсказать/сказать/объяснить/рассказать/пояснить/уточнить = ^
  ^ не могли бы вы? мне/нам? подсказать/сказать/объяснить/рассказать/пояснить/уточнить = ^
  ^ вы не могли бы мне/нам? подсказать/сказать/объяснить/рассказать/пояснить/уточнить = ^
  ^ могу/можно/можем ли? я/мы/мне? узнать/спросить/уточнить ${openers} = ^ {-1}
  ^ я/мы? хочу/хотим/хотел/хотела/хотели бы? узнать/спросить/знать/уточнить/понять ${openers} = ^ {-1}
  ^ мне/нам? хотелось бы мне/нам? узнать/спросить/знать/уточнить/понять ${openers} = ^ {-1}
  ^ мне/нам? нужно/надо/интересно узнать/уточнить/знать ${openers} = ^ {-1}
  ^ меня/нас? интересует вопрос? = ^
  ^ мне? интересно = ^
  ^ у_меня/есть/такой? вопрос = ^
  ^ прошу мне? подсказать/сказать/объяснить/рассказать/пояснить/уточнить = ^
  ^ помогите ${openers} = ^ {-1}
  ^ кто-нибудь знает = ^
`)

const self = 'я/мы/мне/нам'
const can = 'можно/могу/можем'
const need = 'нужно/надо/необходимо'
const ought = 'должен/должна/обязан/обязана'

const asked = rulesOf(`
  ^ как/каким_образом ${self} = ^ HOW
  ^ как/каким_образом ${can} ${self} = ^ HOW
  ^ как/каким_образом ${can}/${need}/следует = ^ HOW
  ^ как/каким_образом ${self} ${can}/${need}/следует = ^ HOW
  ^ как/каким_образом ${need} ${self} = ^ HOW
  ^ как/каким_образом = ^ HOW
  ^ как долго = ^ HOWLONG
  ^ как часто = ^ HOWOFTEN
  ^ как скоро = ^ HOWSOON
  где ${self} = WHERE
  где ${can} = WHERE
  где ${can} ${self} = WHERE
  где ${self} ${can} = WHERE
  где = WHERE
  когда я/мы = WHEN
  когда = WHEN
  куда/откуда ${self} = {1}
  что мне/нам делать = что делать
  куда/откуда ${can} ${self} = {1}
  куда/откуда ${self} ${can} = {1}
  куда/откуда ${can} = {1}
  во_сколько/в_котором_часу/в_какое_время = TIME
  почему/зачем/отчего я/мы = {1}
  какой/какая/какое/какие/каков/какова/каково/каковы/какого/какую/каком/каких/каким/какими/какому = WHAT
  ${can} ли? ${self} = CAN
  ${self} ${can} ли? = CAN
  ${can} ли? = CAN
  возможно ли ${self} = CAN
  возможно ли = CAN
  ${need} ли? ${self} = MUST
  ${self} ${need} ли? = MUST
  ${need} ли? = MUST
  ${ought} ли? я = MUST
  я ${ought} ли? = MUST
  должны/обязаны ли? мы = MUST
  мы должны/обязаны ли? = MUST
  ${ought}/должно/должны/обязаны/обязано ли? = MUST3
  может быть = может быть
  может/могут ли? = CAN3
  нужен/нужна/нужны ли? ${self} = NEED
  ${self} нужен/нужна/нужны = NEED
  нужен/нужна/нужны ли? = NEED
  так как = так как
  ли
  я/мы
  мой/моя/мое/мои/моего/моей/моему/моим/моих/моими/мою/моем
  наш/наша/наше/наши/нашего/нашей/нашему/нашим/наших/нашими/нашу/нашем
`)

const prepositions: ReadonlySet<string> = new Set(
  `в во на за под над о об обо с со по к ко от до из из-за у при про для без через между перед
  после ради вместо около против среди кроме насчет`.split(/\s+/),
)
const adverbs: ReadonlySet<string> = new Set(['HOW', 'WHERE', 'WHEN', 'TIME'])
const holdsOrder = /^(?:не|нет|ни|если|котор.*|что|чтобы|или|и|пока|поэтому)$/
const isPlace = (word: string): boolean => adverbs.has(word)
const isBarrier = (word: string): boolean =>
  adverbs.has(word) || /^(?:WHAT|сколько|кто|кого|кому|кем|но|а|как|хотя|куда|откуда|почему|зачем)$/.test(word)
const reflexive = /(?:ет|ут|ют|ит|ат|ят)ся$/

/** Turns "Библиотека когда открывается" into "когда библиотека открывается". */
function interrogativeFirst(words: readonly string[]): readonly string[] {
  const [first = '', topic = '', adverb = '', ...rest] = words
  return adverbs.has(adverb) && rest.length === 2
    ? [first, adverb, ...rest.slice(0, -1), topic, ...rest.slice(-1)]
    : words
}

/**
 * Turns "когда библиотека открывается" into "когда открывается библиотека": cases, not the order, decide who does what.
 */
function verbSecond(words: readonly string[]): readonly string[] {
  if (!adverbs.has(words[1] ?? '') || words.some(word => holdsOrder.test(word))) return words
  return fronted(words, { isMoved: word => reflexive.test(word), isPlace, isBarrier })
}

function modalFirst(words: readonly string[]): readonly string[] {
  if (
    words.some(word => holdsOrder.test(word)) ||
    words.filter(word => /^(?:CAN|MUST|CAN3|MUST3)$/.test(word)).length > 1
  )
    return words
  return fronted(words, { isMoved: word => word === 'CAN' || word === 'MUST', isPlace, isBarrier })
}

function withTime(words: readonly string[]): readonly string[] {
  const isDaily = words.some(word => /^(?:открыва|закрыва)(?:ет|ют)(?:ся)?$/.test(word))
  return isDaily ? words.map(word => (word === 'TIME' ? 'WHEN' : word)) : words
}

function arrange(words: readonly string[]): readonly string[] {
  return modalFirst(verbSecond(interrogativeFirst(withTime(words))))
}

/** Without their -ы or -и these become another word, or no word. */
const whole: ReadonlySet<string> = new Set(
  `чтобы выборы курсы сборы счеты весы часы роды труды переговоры проводы каникулы очки взгляды духи
  женщины мужчины сироты коллеги жертвы персоны старосты вдовы
  мария юлия анастасия виктория евгения наталия валерия ксения софия`.split(/\s+/),
)

/**
 * Cases decide who does what ("студент", "студенту"), so endings stay except for the number and an adjective's gender.
 */
function bare(word: string, preceding: readonly string[]): string {
  if (word.length < 5 || whole.has(word)) return word
  if (reflexive.test(word)) return word.replace(reflexive, '~ся')
  const adjective = /^(.{3,}(?:ск|[нв](?=[ыао])))(?:ый|ий|ая|ое|ые|ие)$/.exec(word)
  if (adjective) return `${adjective[1]}~`
  if (/^.{3,}(?:и[яиюе]|ост[ьи])$/.test(word)) return thingOf(word, preceding)
  return /(?:[бвдзлмнпрстф]|[^и]ц)ы$|[гкхжчшщ]и$/.test(word) ? word.slice(0, -1) : word
}

const agents =
  /^(?:компани|организаци|комисси|администраци|полици|академи|парти|корпораци|делегаци|редакци|инспекци|фракци|коалици|ассоциаци|федераци|арми)/
const infinitive = /(?:ть|ти|чь)(?:ся)?$/

/**
 * Unifies "заявление" and "заявления", "лекция" and "лекции", and after an infinitive "лекцию" and "лекции". After a
 * preposition the case carries meaning: "в Россию" is not "в России".
 */
function thingOf(word: string, preceding: readonly string[]): string {
  const [last = '', further = ''] = preceding.toReversed()
  if (prepositions.has(last) || prepositions.has(further) || agents.test(word)) return word
  const isObject = infinitive.test(last) || (/(?:ск|[нв])[ыиаяоею]{1,2}$/.test(last) && infinitive.test(further))
  if (isObject && /и[юи]$/.test(word)) return `${word.slice(0, -1)}~ю`
  return word.endsWith('ю') ? word : `${word.slice(0, -1)}~`
}

export const russian: Grammar = {
  split: word => [word.replaceAll("'", '')],
  conditions: new Set(['если']),
  frames,
  steps: [asked],
  arrange,
  bare,
}
