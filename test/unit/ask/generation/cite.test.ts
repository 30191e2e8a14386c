import fc from 'fast-check'
import t from 'tap'
import { cite } from '../../../../src/ask/generation/cite.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import { passage, windowOf } from '../../../support/passages.ts'

const stored = 'Chapter one.\n\n'
const refunds = passage(
  'Our shop opened in 1998 in Porto. Refunds are paid within fourteen days of the return. Gift cards are never refunded. Parcels are sent by train, and reach most towns in two days.',
  { before: stored, chunkId: 'a.0' },
)
const hours = passage('The shop is open from nine to five. On Sundays it stays closed all day.', { chunkId: 'b.0' })

function quotes(answer: string, passages: readonly Passage[] = [refunds, hours], language = 'en'): string[] {
  return cite(answer, passages, language).map(({ index, quote }) => `${index}: ${quote}`)
}

t.test('each cited passage is quoted once, where it says what the answer says', t => {
  t.strictSame(quotes('You get your money within fourteen days of the return [1]. It is closed on Sundays [2].'), [
    '1: Refunds are paid within fourteen days of the return.',
    '2: On Sundays it stays closed all day.',
  ])
  t.strictSame(quotes('Closed on Sundays.[2]'), ['2: On Sundays it stays closed all day.'])
  t.end()
})

t.test('the words before the marker count, not those of the sentence before', t => {
  t.strictSame(quotes('The shop opened in Porto in 1998. Gift cards are not refunded [1].'), [
    '1: Gift cards are never refunded.',
  ])
  t.strictSame(quotes('It opened in Porto [1], and on Sundays it is closed [2].'), [
    '1: Our shop opened in 1998 in Porto.',
    '2: On Sundays it stays closed all day.',
  ])
  t.strictSame(quotes('It is closed on Sundays [1] and [2].')[1], '2: On Sundays it stays closed all day.')
  t.end()
})

t.test('a marker before its claim', t => {
  t.strictSame(quotes('According to [1], gift cards are not reimbursed.'), ['1: Gift cards are never refunded.'])
  t.end()
})

t.test('two neighbouring sentences, when the second one adds to it', t => {
  t.strictSame(quotes('It is open from nine to five and closed on Sundays [2].'), [
    '2: The shop is open from nine to five. On Sundays it stays closed all day.',
  ])
  t.end()
})

t.test('an answer in another language: the window that is nearest to the question', t => {
  const found = {
    ...refunds,
    windows: [windowOf(refunds, 'Our shop', 0.1), windowOf(refunds, 'Gift cards are never refunded.', 0.8)],
  }
  t.strictSame(quotes('Сертификаты не возвращаются [1].', [found], 'ru'), ['1: Gift cards are never refunded.'])
  t.strictSame(quotes('Сертификаты не возвращаются [1].', [refunds], 'ru'), ['1: Our shop opened in 1998 in Porto.'])
  t.end()
})

t.test('a model that forgot its markers: only what clearly supports a sentence is cited', t => {
  t.strictSame(quotes('Refunds are paid within fourteen days.'), [
    '1: Refunds are paid within fourteen days of the return.',
  ])
  t.strictSame(quotes('Bananas are yellow because of carotenoids.'), [])
  t.strictSame(quotes('The shop is nice.'), [])
  t.strictSame(quotes(''), [])
  t.end()
})

t.test('markers of no passage and brackets in code cite nothing', t => {
  t.strictSame(quotes('Use `days[1]` for the refunds paid [7].'), [])
  t.end()
})

t.test('the citation carries the place of its words', t => {
  const [only] = cite('Paid within fourteen days [1].', [{ ...refunds, page: 3, url: 'https://x.y' }], 'en')
  t.match(only, {
    index: 1,
    chunkId: 'a.0',
    documentId: 'd',
    version: 1,
    title: 'Title',
    url: 'https://x.y',
    page: 3,
    score: 0.5,
  })
  t.equal((stored + refunds.text).slice(only!.start, only!.end), only!.quote)
  t.end()
})

t.test('an endless sentence is quoted in part, between words, where it matters', t => {
  const long = passage(`${'filler words '.repeat(60)}the secret number is seventeen ${'and more of it '.repeat(60)}`)
  const [only] = cite('The secret number is seventeen [1].', [long], 'en')
  t.ok(only!.quote.length <= 300)
  t.match(only!.quote, /secret number is seventeen/)
  t.match(` ${long.text} `, new RegExp(`\\s${only!.quote}\\s`))
  t.end()
})

t.test('whatever text and answer are: a quote is the stored text, letter for letter, and short', t => {
  const word = fc.oneof(
    fc.constantFrom('refund', 'days', '.', '!', '\n\n', '[1]', '[2]', '`', '日本', '😀', ' ', ', '),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
  )
  const text = fc.array(word, { maxLength: 80 }).map(words => words.join(' '))
  fc.assert(
    fc.property(text, text, text, fc.constantFrom('en', 'ru', 'zh', 'und'), (before, body, answer, language) => {
      const document = before + body
      const passages = [passage(body, { before, language }), passage(body.toUpperCase(), { language })]
      for (const { index, quote, start, end } of cite(`${answer} [1] ${answer} [2]`, passages, language)) {
        t.equal(quote, (index === 1 ? document : body.toUpperCase()).slice(start, end))
        t.ok(quote.length > 0 && quote.length <= 300)
      }
    }),
    { numRuns: 300 },
  )
  t.end()
})
