import t from 'tap'
import { analyze, queryTerms } from '../../../src/text/analyze.ts'
import { splitsOf } from '../../../src/text/joined.ts'

const termsOf = (question: string, language = 'en') => queryTerms(analyze(question, language))
const joins = (question: string, language?: string) =>
  termsOf(question, language)
    .filter(each => each.isJoin)
    .map(each => each.term)
const splits = (word: string, language = 'en') =>
  splitsOf({ typed: word, term: word }, language, () => false).map(each => each.terms.join(' '))

t.test('two adjacent words: are searched joined, too', async t => {
  t.same(joins('Is there wi fi?'), ['wifi'])
  t.same(joins('How do I log in?'), ['login'])
  t.same(joins('Где вай фай?', 'ru'), ['вайфа'])
})

t.test('words that nobody joins: are not', async t => {
  t.same(joins('What is in form 5?'), [], 'a function word comes first, digits')
  t.same(joins('Бір екі үш', 'kk'), [], 'stems of five letters')
})

t.test('Vietnamese syllables: have pairs of their own', async t => {
  t.same(joins('học bổng', 'vi'), [])
})

t.test('a question that has the joined form itself: asks for it once', async t => {
  const terms = termsOf('wi fi or wifi').map(each => each.term)
  t.equal(terms.filter(term => term === 'wifi').length, 1)
})

t.test('a word: is read as two at every place', async t => {
  t.same(splits('wifi'), ['w ifi', 'wi fi'])
  t.ok(splits('checkin').includes('check in'))
  t.same(splits('a'.repeat(40)), [], 'a key is not')
  t.same(splits('utf8'), [], 'a code is not')
})

t.test('a compound: has parts with and without what links them', async t => {
  t.ok(splits('bibliotheksausweis', 'de').includes('bibliothek ausweis'))
  t.ok(splits('wohnungskosten', 'de').includes('wohnung kost'))
  t.notOk(splits('bibliotheksausweis', 'en').includes('bibliothek ausweis'))
})

t.test('only languages with compounds: look for longer words', async t => {
  t.equal(termsOf('Was kostet der Ausweis?', 'de').find(each => each.term === 'ausweis')?.isInCompounds, true)
  t.equal(
    termsOf('the card', 'en').some(each => each.isInCompounds),
    false,
  )
})
