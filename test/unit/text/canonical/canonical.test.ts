import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { analyze, isStopWord } from '../../../../src/text/analyze.ts'
import { canonicalQuestion } from '../../../../src/text/canonical/canonical.ts'
import { anyText } from '../../../support/any-text.ts'

interface Pair {
  readonly language: string
  readonly a: string
  readonly b: string
  readonly same: boolean
  readonly kind: string
}

const file = new URL('../../../../eval/near/pairs.jsonl', import.meta.url)
const pairs = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line): Pair => JSON.parse(line))
const languages = ['en', 'ru', 'kk', 'vi', 'it']
const kinds = {
  same: ['frame', 'inflection', 'function', 'order', 'case', 'synonym'],
  different: [
    'opposite',
    'number',
    'name',
    'roles',
    'negation',
    'question',
    'modality',
    'comparison',
    'scope',
    'homograph',
  ],
}

const passes = ({ a, b, language }: Pair): boolean =>
  canonicalQuestion(a, language) !== null && canonicalQuestion(a, language) === canonicalQuestion(b, language)
const isKnowable = ({ a, b, language, same }: Pair): boolean =>
  same && contentOf(a, language) === contentOf(b, language)
const share = (some: readonly Pair[]): number => some.filter(passes).length / some.length

function contentOf(text: string, language: string): string {
  return analyze(text, language)
    .terms.filter(term => !isStopWord(term, language))
    .sort()
    .join(' ')
}

t.test('the pairs: are enough, of every kind, and each once', async t => {
  t.ok(pairs.length >= 360)
  t.ok(pairs.filter(pair => !pair.same).length >= pairs.length / 2)
  t.equal(
    new Set(pairs.flatMap(({ language, a, b }) => [`${language} ${a} ${b}`, `${language} ${b} ${a}`])).size,
    pairs.length * 2,
  )
  t.ok(pairs.every(({ same, kind }) => (same ? kinds.same : kinds.different).includes(kind)))
  for (const language of languages) {
    const own = pairs.filter(pair => pair.language === language)
    t.ok(own.length >= 72, language)
    t.equal(
      new Set(own.map(({ kind }) => kind)).size,
      kinds.same.length + kinds.different.length,
      `${language}: every kind`,
    )
  }
  t.equal(pairs.filter(({ language }) => !languages.includes(language)).length, 0)
})

t.test('two questions that ask different things: never pass', async t => {
  for (const pair of pairs.filter(({ same }) => !same))
    t.notOk(passes(pair), `${pair.language} ${pair.kind}: ${pair.a} | ${pair.b}`)
})

t.test('two questions with the same content words that ask the same: mostly pass, in every language', async t => {
  const knowable = pairs.filter(isKnowable)
  t.ok(share(knowable) >= 0.75, `${share(knowable)}`)
  for (const language of languages) {
    const own = knowable.filter(pair => pair.language === language)
    t.ok(own.length >= 15, `${language}: ${own.length} knowable pairs`)
    t.ok(share(own) >= 0.6, `${language}: ${share(own)}`)
  }
})

t.test('the figures', async t => {
  const rows = [...kinds.same, 'knowable', ...kinds.different].map(kind => [
    kind,
    ...languages.map(language => cell(kind, language)),
  ])
  for (const row of [['passes', ...languages], ...rows])
    t.comment(row.map((each, i) => (i === 0 ? each.padEnd(12) : each.padStart(7))).join(''))
  t.equal(rows.length, 17)
})

function cell(kind: string, language: string): string {
  const some = pairs.filter(
    pair => pair.language === language && (kind === 'knowable' ? isKnowable(pair) : pair.kind === kind),
  )
  return `${some.filter(passes).length}/${some.length}`
}

/** Questions with one gist, by language. */
const alike: readonly (readonly [string, string, ...string[]])[] = [
  [
    'en',
    'How do I pay?',
    'how to pay',
    'Could you please tell me how I can pay',
    "Hello! I'd like to know how to pay.",
    'How should we pay?',
    'HOW DO I PAY?!',
  ],
  ['en', 'Where is the library?', "Where's the library", 'Do you know where the library is?'],
  [
    'en',
    'May I use a phone?',
    'Is it possible to use a phone?',
    'Am I allowed to use phones?',
    'tell me if I can use a phone',
  ],
  ['en', 'Do I have to pay?', 'Must I pay?', 'Do I need to pay?'],
  ['en', "What are the library's opening hours?", 'What are the opening hours of the library?'],
  ['en', 'If I lose my card, where do I go?', 'Where do I go if I lose a card?'],
  ['en', "Why can't I log in?", 'Why can I not log in'],
  [
    'ru',
    'Как мне оплатить счёт?',
    'Подскажите, пожалуйста, как оплатить счет',
    'Как я могу оплатить мой счёт?',
    'Хотелось бы узнать, как можно оплатить счёт',
  ],
  ['ru', 'Можно ли мне курить?', 'Могу ли я курить', 'Можно курить?'],
  ['ru', 'Должен ли я платить?', 'Нужно ли платить?', 'Надо мне платить?'],
  [
    'ru',
    'Когда начинается лекция?',
    'Лекция когда начинается?',
    'Когда лекция начинается?',
    'Когда начинаются лекции?',
  ],
  [
    'kk',
    'Салықты қалай төлеуге болады?',
    'Салықты қалай төлей аламын?',
    'Қалай салықты төлеймін?',
    'Салықтарды қалай төлейміз?',
  ],
  ['kk', 'Төлеуім керек пе?', 'Төлеу қажет пе?', 'Кешіріңіз, төлеуіміз керек пе?'],
  [
    'vi',
    'Làm sao để nộp đơn?',
    'Làm thế nào để nộp đơn',
    'Cho em hỏi cách nộp đơn ạ',
    'Nộp đơn như thế nào?',
    'Bạn có thể cho tôi biết làm thế nào để nộp đơn không?',
  ],
  ['vi', 'Tôi đổi vé được không?', 'Có thể đổi vé không?', 'Em có thể đổi vé được không ạ?'],
  ['vi', 'Nếu mất vé thì làm gì?', 'Làm gì nếu mất vé?', 'Nếu mất vé, làm gì?'],
  [
    'it',
    'Come si rinnova la tessera?',
    'Come rinnovo la mia tessera?',
    'Vorrei sapere come rinnovare la tessera',
    'Come posso rinnovare la tessera, per favore?',
  ],
  ['it', "Perche' la sala e' chiusa?", 'Perché la sala è chiusa'],
  ['it', 'Devo pagare?', 'Bisogna pagare?', 'Si deve pagare?'],
]

for (const [language, ...texts] of alike) {
  t.test(`${texts[0]} (${language}): said in other ways, has the same gist`, async t => {
    for (const text of texts)
      t.equal(canonicalQuestion(text, language), canonicalQuestion(texts[0] ?? '', language), text)
    t.ok(canonicalQuestion(texts[0] ?? '', language))
  })
}

t.test('interrogatives, negation, modality and prepositions: stay in the gist', async t => {
  t.equal(canonicalQuestion('When does the library open?', 'en'), 'WHEN library open')
  t.equal(canonicalQuestion('Why must students not leave before noon?', 'en'), 'WHY MUST student not leave before noon')
  t.equal(canonicalQuestion('Who do I pay for the repair?', 'en'), 'WHO I pay for repair')
  t.equal(canonicalQuestion('Нельзя ли вернуть товар без чека?', 'ru'), 'нельзя вернуть товар без чека')
  t.equal(canonicalQuestion('Алматыдан Астанаға қалай жетемін?', 'kk'), 'HOW алматы~дан астана~ға жет~ CAN')
  t.equal(canonicalQuestion('Tôi phải trả bao nhiêu?', 'vi'), 'MUST trả QUANTITY')
  t.equal(canonicalQuestion('Chi non può entrare senza tessera?', 'it'), 'chi non CAN3 entrar~e senza tesser~e')
})

t.test('numbers, units, signs and versions: stay as they are written', async t => {
  for (const [a, b] of [
    ['-5 °C', '5 °C'],
    ['1.5 kg', '15 kg'],
    ['$5', '€5'],
    ['C++', 'C#'],
    ['10²', '102'],
    ['5%', '5'],
    ['v3.1', 'v3.10'],
    ['a < b', 'a > b'],
    ['10:30', '10-30'],
    ['.NET', 'NET'],
    ['snake_case', 'snakecase'],
    ['😀 mood', '😡 mood'],
  ] as const) {
    t.not(canonicalQuestion(`Is ${a} right`, 'en'), canonicalQuestion(`Is ${b} right`, 'en'), `${a} ${b}`)
  }
})

t.test('an acronym that is spelled as a function word: is not one', async t => {
  t.not(canonicalQuestion('Who leads IT?', 'en'), canonicalQuestion('Who leads it?', 'en'))
  t.not(canonicalQuestion('Is vitamin A safe?', 'en'), canonicalQuestion('Is vitamin safe?', 'en'))
  t.equal(canonicalQuestion('WHO LEADS THE DEPARTMENT', 'en'), canonicalQuestion('Who leads the department?', 'en'))
})

t.test('a name: keeps its ending', async t => {
  t.not(
    canonicalQuestion('When does Professor Williams teach?', 'en'),
    canonicalQuestion('When does Professor William teach?', 'en'),
  )
  t.not(canonicalQuestion('Dove abita Paolo Rossi?', 'it'), canonicalQuestion('Dove abita Paolo Rosso?', 'it'))
  t.not(canonicalQuestion('Когда принимает Иванова?', 'ru'), canonicalQuestion('Когда принимает Иванов?', 'ru'))
})

t.test('nothing but function words, or nothing at all: no gist', async t => {
  for (const text of ['', '?!', '😀', 'How can I?', 'Who is he?', 'Please, could you tell me?', 'How much is it?'])
    t.equal(canonicalQuestion(text, 'en'), null, text)
  t.equal(canonicalQuestion('Подскажите, пожалуйста', 'ru'), null)
  t.equal(canonicalQuestion('Cho em hỏi', 'vi'), null)
  t.equal(canonicalQuestion('… !', 'de'), null)
})

t.test('a text that is too long for a question: has no gist', async t => {
  for (const language of ['en', 'it', 'de']) t.equal(canonicalQuestion('pay '.repeat(600), language), null)
  for (const language of languages) t.ok(canonicalQuestion('2026 '.repeat(400), language))
})

t.test('the language: its primary subtag counts, in any case', async t => {
  t.equal(canonicalQuestion('How to pay', 'EN-gb'), canonicalQuestion('How do I pay?', 'en'))
})

t.test('a language without a grammar: all but case, Unicode form, blanks and the final punctuation counts', async t => {
  t.equal(canonicalQuestion('Où est  l’E\u0301cole ?', 'fr'), canonicalQuestion('où est l’école', 'fr'))
  t.not(canonicalQuestion('Où est la gare ?', 'fr'), canonicalQuestion('Où est une gare ?', 'fr'))
  t.not(canonicalQuestion('la gare, ouverte', 'fr'), canonicalQuestion('la gare ouverte', 'fr'))
  t.not(canonicalQuestion('10²', 'de'), canonicalQuestion('102', 'de'))
  t.equal(canonicalQuestion('Wo?', ''), 'wo')
})

const word = fc.constantFrom(
  'how',
  'do',
  'I',
  'IT',
  'please',
  'if',
  ',',
  '?',
  'the',
  'of',
  'hours',
  'не',
  'как',
  'ли',
  'мне',
  'қалай',
  'аламын',
  'бола',
  'ма',
  'керек',
  'nếu',
  'thì',
  'không',
  'được',
  'như thế nào',
  'come',
  'si',
  'dove',
  "l'",
  "e'",
  '-5',
  '__proto__',
  'constructor',
  'START',
  'END',
  '{1}',
  '^',
  '$',
  '~',
  'İ',
  'ﬁ',
  'e\u0301',
)
const texts = fc.oneof(
  anyText(),
  fc.string({ unit: 'grapheme' }),
  fc.array(word).map(words => words.join(' ')),
  fc.array(word).map(words => words.join('')),
)
const anyLanguage = fc.oneof(fc.constantFrom(...languages, 'de', 'und', 'kk-KZ'), fc.string())
const runs = { numRuns: 2000 }

t.test('any text in any language: no throw, the same each time, null or words apart by one blank', async t => {
  fc.assert(
    fc.property(texts, anyLanguage, (text, language) => {
      const first = canonicalQuestion(text, language)
      return (
        first === canonicalQuestion(text, language) &&
        (first === null || (first !== '' && first === first.trim() && !/\s\s/.test(first)))
      )
    }),
    runs,
  )
  t.pass()
})

t.test('another Unicode form, more blanks, a final point: the same gist', async t => {
  fc.assert(
    fc.property(texts, anyLanguage, (text, language) => {
      const first = canonicalQuestion(text, language)
      return [text.normalize('NFD'), ` ${text.replaceAll(' ', '  ')} `, `${text} ?`].every(
        each => canonicalQuestion(each, language) === first,
      )
    }),
    runs,
  )
  t.equal(canonicalQuestion('a ↮ b'.normalize('NFD'), 'en'), canonicalQuestion('a ↮ b', 'en'), 'an arrow and a stroke')
})

t.test('a condition in front, however its comma, its end and its letters are written', async t => {
  const [first, ...others] = [
    'nếu mất thẻ, phải làm gì?',
    'nếu mất thẻ , phải làm gì?',
    ' nếu mất thẻ,  phải làm gì? ',
    'nếu mất thẻ, phải làm gì? ?',
    'nếu mất thẻ, phải làm gì?'.normalize('NFD'),
  ].map(text => canonicalQuestion(text, 'vi'))
  for (const other of others) t.equal(other, first)
  t.equal(first, canonicalQuestion('phải làm gì nếu mất thẻ?', 'vi'))
  t.equal(canonicalQuestion('nếu , how', 'vi'), canonicalQuestion('nếu, how', 'vi'), 'a condition has words')
})

t.test('the questions of the set: one word more, wherever, is another gist', async t => {
  for (const { a, language } of pairs) {
    const words = a.split(' ')
    for (const [i] of words.entries())
      t.not(
        canonicalQuestion(words.toSpliced(i, 0, 'xyzzy').join(' '), language),
        canonicalQuestion(a, language),
        `${a}: ${i}`,
      )
  }
})
