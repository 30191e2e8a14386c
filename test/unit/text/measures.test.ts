import t from 'tap'
import { measuringTerms, type MeasurePart } from '../../../src/text/measures.ts'

const parts = (question: string, language: string, of: MeasurePart) =>
  [...measuringTerms(question, language)].flatMap(([term, part]) => (part === of ? [term] : [])).toSorted()
const measuring = (question: string, language = 'en') => parts(question, language, 'number')

t.test('numbers with a unit measure the case of who asks', async t => {
  t.same(measuring('Can I return an item after 20 days?'), ['20'])
  t.same(measuring('After 10 working days?'), ['10'])
  t.same(measuring('Is my 9-year-old free? And a nine year old?'), ['9', '9yearold', 'nine'])
  t.same(measuring('A 28kg suitcase for €40, or $20, or 30%?'), ['20', '28kg', '30', '40'])
  t.same(measuring('Sau 20 ngày, ngày 30 tháng 6?', 'vi'), ['20', '30'])
  t.same(measuring('Можно ли вернуть через 20 дней?', 'ru'), ['20'])
  t.same(measuring('20 күннен кейін қайтаруға бола ма?', 'kk'), ['20'])
  t.same(measuring('Siamo 3 persone per 2 notti', 'it'), ['2', '3'])
  t.same(measuring('Wir sind 4 Personen und bleiben drei Nächte', 'de'), ['4', 'drei'])
})

t.test('with their units', async t => {
  t.same(parts('Can I return an item after 20 working days?', 'en', 'unit'), ['day', 'work'])
  t.same(parts('How many days? After 20 days?', 'en', 'unit'), [], 'a term that is elsewhere, too')
})

t.test('numbers that number the question', async t => {
  t.same(measuring('2. How heavy may it be?'), ['2'])
  t.same(measuring('Q3: How heavy may it be?'), ['q3'])
  t.same(measuring('How heavy may it be? (4)'), ['4'])
})

t.test('numbers that name something measure nothing', async t => {
  t.same(measuring('Room 204, section 9, version 3.0, form 77, item (2) of it, in 1998 or 2024'), [])
  t.same(measuring('Что говорит статья 20 о 1998 годе?', 'ru'), [])
  t.same(measuring('5-бап не дейді?', 'kk'), [])
  t.same(measuring('After 20 days, what does section 20 say?'), [], 'a term that is elsewhere, too')
  t.same(measuring('5 whatever', 'xx'), [], 'a language without units')
})
