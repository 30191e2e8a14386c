import tap from 'tap'
import { contains, overlap, shortAnswers } from '../../../../src/eval/answers/match.ts'

tap.test('an answer contains a gold answer: whole words, without case, punctuation and markers', async t => {
  t.ok(contains('They allowed **308** points. [1]', '308'))
  t.ok(contains('It was “Kawann Short”, of course.', 'kawann short'))
  t.ok(contains('в 18:00, кабинет 14', '18:00'))
  t.ok(contains('giá ５２０ nghìn', '520 nghìn'), 'full-width digits are digits')
  t.notOk(contains('They allowed 3080 points.', '308'), 'no part of a word')
  t.notOk(contains('See [308].', '308'), 'the number of a citation is no answer')
  t.notOk(contains('anything', '—'), 'a gold answer without words is in nothing')
})

tap.test('overlap of words with the best gold answer', async t => {
  t.same(overlap('the cat sat', ['the cat sat']), { recall: 1, f1: 1 })
  const half = overlap('a cat sat on the mat', ['cat dog'])
  t.equal(half.recall, 0.5)
  t.equal(half.f1, 2 / 8)
  t.same(overlap('cat', ['dog', 'cat']), { recall: 1, f1: 1 }, 'the best one counts')
  t.equal(overlap('the', ['the the']).recall, 0.5, 'a repeated word must be repeated')
  t.same(overlap('', ['cat']), { recall: 0, f1: 0 })
})

tap.test('only short gold answers are looked for', async t => {
  const long = Array.from({ length: 16 }, (_, i) => `w${i}`).join(' ')
  t.same(shortAnswers(['three words here', long, '…']), ['three words here'])
})
