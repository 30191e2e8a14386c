import t from 'tap'
import { similarityRange, vectorWeight } from '../../../../src/ask/retrieval/weights.ts'

const english = { model: 'use-lite-en', languages: ['en'] }
const stranger = { model: 'nobody-knows-it', languages: 'any' as const }

t.test('what was learned for a language comes before what ships', async t => {
  t.equal(vectorWeight(english, 'en', {}), 0.7)
  t.equal(vectorWeight(english, 'en', { en: 0.6 }), 0.6)
  t.equal(vectorWeight(english, 'en', { en: 0 }), 0, 'also that it has no say')
  t.equal(vectorWeight(stranger, 'ru', { en: 0.6 }), 0.3, 'learned for another language: the safe default')
})

t.test('a language the model cannot read: no say, whatever was learned', async t => {
  t.equal(vectorWeight(english, 'ru', { ru: 0.9 }), 0)
})

t.test('a language named like something every object has: the default', async t => {
  t.equal(vectorWeight(stranger, 'constructor', {}), 0.3)
})

t.test('a model is known by its name, whatever stands around it to tell its vectors apart', async t => {
  const e5 = similarityRange({ model: 'multilingual-e5-small' })
  for (const model of [
    'onnx:multilingual-e5-small#0123456789ab',
    'intfloat/multilingual-e5-small',
    'multilingual-e5-small + passage:',
  ])
    t.same(similarityRange({ model }), e5, model)
  t.not(e5.related, similarityRange({ model: 'nobody-knows-it' }).related)
})
