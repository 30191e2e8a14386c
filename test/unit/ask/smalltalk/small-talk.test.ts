import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { phrases, replies } from '../../../../src/ask/smalltalk/phrases.ts'
import { isSmallTalk, smallTalkOf, withoutGreetings } from '../../../../src/ask/smalltalk/small-talk.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'

/** What is small talk, in which language it is replied to, and what of a question is only politeness. */

function question(text: string, own: Partial<Question> = {}): Question {
  return { text, collection: 'c', mode: 'auto', topK: 5, filters: {}, language: undefined, history: [], ...own }
}

function talk(text: string, own: Partial<Question> = {}, languages: readonly string[] = []): string | null {
  const found = smallTalkOf(question(text, own), { languages })
  return found && `${found.language} ${found.kind}`
}

const asked = readFileSync(new URL('../../../../eval/faq/queries.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => (JSON.parse(line) as { readonly text: string }).text)

t.test('small talk in each language, however it is typed', async t => {
  const cases: readonly (readonly [text: string, talk: string])[] = [
    ['hello', 'en greeting'],
    ['Hi there!', 'en greeting'],
    ['Helloooo 👋', 'en greeting'],
    ['thank you very much', 'en thanks'],
    ['how are you?', 'en wellbeing'],
    ['who are you?', 'en identity'],
    ['Hi! How are you? Who are you?', 'en identity'],
    ['Thanks, bye!', 'en goodbye'],
    ['thanks, that helped!', 'en thanks'],
    ['Спасибо, вы очень помогли!', 'ru thanks'],
    ['Здравствуйте', 'ru greeting'],
    ['спасибо', 'ru thanks'],
    ['Привет, как дела?', 'ru wellbeing'],
    ['сәлем', 'kk greeting'],
    ['рахмет', 'kk thanks'],
    ['салеметсиз бе', 'kk greeting'],
    ['xin chào', 'vi greeting'],
    ['cam on ban nhieu', 'vi thanks'],
    ['grazie', 'it thanks'],
    ['Guten Morgen zusammen', 'de greeting'],
    ['Ça va ?', 'fr wellbeing'],
    ['¡Muchas gracias!', 'es thanks'],
    ['Olá, tudo bem', 'pt greeting'],
    ['teşekkürler', 'tr thanks'],
    ['Доброго дня', 'uk greeting'],
    ['dziękuję', 'pl thanks'],
    ['谢谢你！', 'zh thanks'],
    ['こんにちは。', 'ja greeting'],
    ['감사합니다', 'ko thanks'],
    ['شكراً جزيلاً', 'ar thanks'],
    ['नमस्ते', 'hi greeting'],
    ['ok', 'en fine'],
    ['👍', 'en fine'],
  ]
  for (const [text, expected] of cases) t.equal(talk(text), expected, text)
})

t.test('what asks something is no small talk', async t => {
  const cases = [
    'What does hello mean?',
    'What is in the FAQ about thanks?',
    'Кто такой Привет?',
    'Where is Ciao S.p.A.?',
    '"Hello"',
    'hello world',
    'thank you note template',
    'What helped?',
    'that helped whom',
    'yes',
    'да',
    '?',
    '😡',
    'hi '.repeat(100),
  ]
  for (const text of cases) t.equal(talk(text), null, text)
})

t.test(
  'a word of several languages is replied to in that of the question, the conversation or the documents',
  async t => {
    t.equal(talk('ok', { language: 'vi' }), 'vi fine')
    t.equal(talk('ok', {}, ['kk', 'ru']), 'kk fine')
    const history = [{ role: 'user', content: 'Где находится библиотека университета?' }] as const
    t.equal(talk('👍', { history }, ['kk', 'ru']), 'ru fine')
    t.equal(talk('super', {}, ['fr']), 'fr fine')
    t.equal(talk('hello', { language: 'ru-KZ' }), 'ru greeting')
    t.equal(talk('hello', { language: 'sw' }), 'en greeting')
  },
)

t.test('every phrase is recognized in its language, and every kind has a reply', async t => {
  for (const [language, kinds] of Object.entries(phrases))
    for (const [kind, list] of Object.entries(kinds))
      for (const phrase of list.split('|')) {
        const said = phrase.replace(/\s+/g, ' ').trim()
        const found = talk(said, { language })
        if (found?.split(' ')[0] !== language || !isSmallTalk(said)) t.fail(`${language} ${kind}: ${said}: ${found}`)
        if (!replies[language]?.[kind as keyof (typeof replies)[string]]) t.fail(`no reply: ${language} ${kind}`)
      }
  t.same(Object.keys(replies), Object.keys(phrases))
})

t.test('the greeting before a question and the thanks after it are no part of it', async t => {
  const cases: readonly (readonly [text: string, rest: string])[] = [
    ['Hello, how do I reset the PIN?', 'how do I reset the PIN?'],
    ['hello how do i reset the pin', 'how do i reset the pin'],
    ['Hi Anna, how do I get a card?', 'how do I get a card?'],
    ['Hi! Thanks for the answer. And in winter?', 'And in winter?'],
    ['Good morning. I have a question: where is room 5?', 'where is room 5?'],
    ['Where is the pool? Thanks!', 'Where is the pool?'],
    ['Спасибо! А сколько стоит общежитие?', 'А сколько стоит общежитие?'],
    ['Здравствуйте, Мария Ивановна! Сколько стоит общежитие?', 'Сколько стоит общежитие?'],
    ['Сколько стоит общежитие, спасибо', 'Сколько стоит общежитие'],
    ['Сәлем! Жатақхана қанша тұрады?', 'Жатақхана қанша тұрады?'],
    ['Xin chào, cho tôi hỏi học phí bao nhiêu', 'học phí bao nhiêu'],
    ['Ciao, come mi iscrivo? Grazie mille', 'come mi iscrivo?'],
    ['你好，图书馆几点开门？谢谢', '图书馆几点开门？'],
    ['こんにちは。図書館は何時まで？', '図書館は何時まで？'],
    ['Привет) как подать заявку', 'как подать заявку'],
    ['hi 👋🏽 what is the fee', 'what is the fee'],
    ['hello... what is the fee', 'what is the fee'],
    ['Hi, 5 days or 10 days?', '5 days or 10 days?'],
    ['Привет, 3 корпус где?', '3 корпус где?'],
    ['Hi! .NET or Java?', '.NET or Java?'],
    ['Hello, __init__ does what?', '__init__ does what?'],
    ['Hi, (a) or (b)?', '(a) or (b)?'],
    ['Hello, $HOME is where?', '$HOME is where?'],
  ]
  for (const [text, rest] of cases) t.equal(withoutGreetings(text), rest, text)
})

t.test('what has a number is no small talk', async t => {
  for (const text of ['ok 404', 'hello 112', '2024, thanks']) t.notOk(isSmallTalk(text), text)
})

t.test('words that only look like a greeting stay', async t => {
  const cases = [
    'hello world program in C',
    'Goodbye letter template',
    '¿Vale la pena?',
    'Prima di iscrivermi devo pagare?',
    'Пока я учусь, могу ли я работать?',
    'What does it mean to say "thanks"?',
    'hello',
    'Hello, hello!',
    'hello_world returns what?',
    'hello.py prints what?',
    'ok/cancel button',
    'thanks@example.com bounces',
    'hello_how_to.md is where?',
    'hi 5',
    '',
    '!!!',
  ]
  for (const text of cases) t.equal(withoutGreetings(text), text, text)
})

t.test('no question of the evaluation set is small talk, nor loses a word', async t => {
  t.ok(asked.length > 50)
  for (const text of asked) {
    if (isSmallTalk(text)) t.fail(text)
    t.equal(withoutGreetings(text), text)
  }
})

const greetings = ['Hello, ', 'Hi! ', 'Здравствуйте! ', 'Сәлем. ', 'Xin chào, ', 'Ciao, ', 'Guten Tag! ']
const farewells = ['', ' Thanks!', ' Спасибо.', ' Grazie mille', ' Cảm ơn bạn']

t.test('property: a greeted question is the question', async () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...greetings),
      fc.constantFrom(...asked.filter(text => /[?.]$/.test(text))),
      fc.constantFrom(...farewells),
      (greeting, text, farewell) => withoutGreetings(greeting + text + farewell) === text,
    ),
  )
})

t.test('property: nothing is left empty, added or reordered', async () => {
  const piece = fc.oneof(
    fc.constantFrom('hi', 'thanks', 'ok', 'спасибо', '谢谢', '👍', ',', '.', '?', '\n', ' ', 'Anna', 'how', '…'),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), pieces => {
      const text = pieces.join(' ')
      const rest = withoutGreetings(text)
      return text.includes(rest) && (/[\p{L}\p{N}]/u.test(rest) || rest === text)
    }),
  )
})
