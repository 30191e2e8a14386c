import tap from 'tap'
import { openVerdictOf, verdictOf } from '../../../../src/eval/answers/verdict.ts'
import { asked, question, refusal, reply } from '../../../support/asked.ts'

tap.test('verdicts on a small corpus', async t => {
  const expects = (texts: string[], sources = ['manual/docs/01.md']) =>
    question({ expected: { by: 'texts', texts, sources } })
  const saying = (text: string, source = 'set/manual/docs/01.md', title = '') =>
    reply({ text, citations: [{ index: 1, source, title, quote: text, text }] })
  t.equal(
    verdictOf(expects(['Feed and Power']), saying('Hold **Feed** and\npower.')),
    'right',
    'spaces and emphasis aside',
  )
  t.equal(verdictOf(expects(['six|6']), saying('At 6.')), 'right', 'any of the choices')
  t.equal(verdictOf(expects(['one', 'two']), saying('one only')), 'partial', 'all of the texts')
  t.equal(verdictOf(expects(['one']), saying('one', 'elsewhere')), 'partial', 'the text without the source')
  t.equal(verdictOf(expects(['one']), saying('nil')), 'partial', 'the source without the text')
  t.equal(verdictOf(expects(['one']), saying('two', 'elsewhere')), 'wrong')
  t.equal(verdictOf(expects(['one'], ['Dorm']), saying('one', 'x', 'The Dormitory')), 'right', 'a part of the title')
  t.equal(verdictOf(expects(['one'], ['s1']), saying('one', 'short/docs.jsonl#s1')), 'right')
  t.equal(verdictOf(expects(['one']), refusal()), 'refused')
})

tap.test('verdicts by judgements and gold answers', async t => {
  const judged = (grade: number, answers: string[]) =>
    question({ expected: { by: 'judgements', judged: new Map([['a', grade]]), answers } })
  t.equal(verdictOf(judged(1, ['0000']), reply()), 'right')
  t.equal(verdictOf(judged(1, ['1234', '0000']), reply()), 'right', 'any gold answer')
  t.equal(verdictOf(judged(1, ['1234']), reply()), 'partial')
  t.equal(verdictOf(judged(0, ['0000']), reply()), 'partial', 'grade 0 is not relevant')
  t.equal(verdictOf(judged(0, ['1234']), reply()), 'wrong')
  t.equal(verdictOf(judged(1, []), reply()), 'right', 'without gold answers, the right document is enough')
})

tap.test('unanswerable questions and turns that are neither', async t => {
  t.equal(verdictOf(question({ isAnswerable: false }), refusal()), 'right')
  t.equal(verdictOf(question({ isAnswerable: false }), reply()), 'false')
  t.equal(verdictOf(question({ isAnswerable: null }), reply()), 'none')
})

tap.test('a refused question also has the verdict of what it would have been', async t => {
  t.equal(openVerdictOf(asked({ reply: refusal(), open: reply() })), 'right')
  t.equal(openVerdictOf(asked({ reply: refusal(), open: null })), 'refused')
})
