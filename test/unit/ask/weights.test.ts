import t from 'tap'
import { vectorWeight } from '../../../src/ask/weights.ts'

const english = { model: 'use-lite-en', languages: ['en'] }
const stranger = { model: 'nobody-knows-it', languages: 'any' as const }

t.test('what was learned for a language comes before what ships', async t => {
  t.equal(vectorWeight(english, 'en', {}), 0.33)
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
