import t from 'tap'
import { abstention } from '../../../../src/ask/generation/abstain.ts'

const named = 'en ru kk vi it de fr es pt pl uk tr zh ja ko ar he hi id nl th cs sv'.split(' ')

t.test('says it in the language that was asked in', t => {
  const sentences = new Set(named.map(abstention))
  t.equal(sentences.size, named.length)
  t.match(abstention('ru'), /документах/)
  t.match(abstention('kk'), /құжаттар/)
  t.end()
})

t.test('a region makes no difference, an unknown language gets English', t => {
  t.equal(abstention('pt-BR'), abstention('pt'))
  t.equal(abstention('nb'), abstention('no'))
  for (const odd of ['xx', '', 'und', 'constructor', '__proto__'])
    t.equal(abstention(odd), "I can't find that in the documents.")
  t.end()
})
