import t from 'tap'
import { readText } from '../../../../src/ask/grounding/facts.ts'
import { createHoldings } from '../../../../src/ask/grounding/holdings.ts'

/** Whether a passage holds every fact of a sentence. */
function holds(passage: string, sentence: string, language: string, passageLanguage = language): boolean {
  const read = readText(passage, passageLanguage)
  const parts = new Set(read.words.flatMap(({ word }) => word.parts))
  const holdings = createHoldings([{ text: read.text, facts: read.facts, parts }])
  const facts = readText(sentence, language).facts.filter(({ isSoft }) => !isSoft)
  return facts.length > 0 && facts.every(holdings.holds)
}

type Case = readonly [passage: string, sentence: string, language: string, passageLanguage?: string]

t.test('forms of one fact are equal', async t => {
  const equal: readonly Case[] = [
    ['There are 12 seats.', 'There are twelve seats.', 'en'],
    ['The price is 1,500 euros.', 'It costs 1 500 €.', 'en'],
    ['Valid for 24 months.', 'Valid for two years.', 'en'],
    ['Wait 48 hours.', 'Wait 2 days.', 'en'],
    ['Closes on 30 June 2026.', 'It closes on 30.06.2026.', 'en'],
    ['Open until 3:30 pm.', 'It is open until 15:30.', 'en'],
    ['Order part FH-203.', 'The part is fh 203 or FH-203.', 'en'],
    ['Human Resources decides.', 'The department HR decides.', 'en'],
    ['It holds 125 people.', 'It holds one hundred and twenty-five people.', 'en'],
    ['Срок 25 дней.', 'Срок — двадцать пять дней.', 'ru'],
    ['Стоимость 1 200 000 тенге.', 'Стоимость 1,2 млн тенге.', 'ru'],
    ['Директор Анна Петрова.', 'Обратитесь к Анне Петровой.', 'ru'],
    ['Директор Жанна Щербакова.', 'The head is Zhanna Shcherbakova.', 'en', 'ru'],
    ['Мерзімі 35 күн.', 'Мерзімі отыз бес күн.', 'kk'],
    ['Hạn là 25 ngày.', 'Hạn là hai mươi lăm ngày.', 'vi'],
    ['Entro 24 ore.', 'Entro ventiquattro ore.', 'it'],
    ['Costa 2.000 euro.', 'Costa duemila euro.', 'it'],
  ]
  for (const [passage, sentence, language, passageLanguage] of equal)
    t.ok(holds(passage, sentence, language, passageLanguage), `${passage} = ${sentence}`)
})

t.test('other facts are not', async t => {
  const others: readonly Case[] = [
    ['There are 12 seats.', 'There are 13 seats.', 'en'],
    ['Valid for 10 days.', 'It is valid for 10 weeks.', 'en'],
    ['The fee is 10 %.', 'The fee is 10 euros.', 'en'],
    ['Costs 5 dollars.', 'It costs 5 euros.', 'en'],
    ['Closes on 30 June 2026.', 'It closes on 20 June 2026.', 'en'],
    ['Order part FH-203.', 'Order part FH-300.', 'en'],
    ['Anna Petrova decides.', 'There Maria Petrova decides.', 'en'],
    ['Closed on Monday.', 'It is closed on Tuesday.', 'en'],
    ['Vé giá 7.000 đồng.', 'Vé giá 8.000 đồng.', 'vi'],
  ]
  for (const [passage, sentence, language] of others)
    t.notOk(holds(passage, sentence, language), `${passage} ≠ ${sentence}`)
})
