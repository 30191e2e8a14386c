import t from 'tap'
import { stem } from '../../../src/text/stem.ts'

const families: Readonly<Record<string, readonly (readonly string[])[]>> = {
  en: [
    ['scholarship', 'scholarships'],
    ['connect', 'connecting', 'connections'],
  ],
  ru: [
    ['стипендия', 'стипендии', 'стипендию', 'стипендий'],
    ['елка', 'елки'],
  ],
  kk: [
    ['университет', 'университетте', 'университетінің'],
    ['қалай', 'калай'],
    ['білім', 'билим', 'білімді'],
  ],
  vi: [['hòa', 'hoà']],
  it: [
    ['studente', 'studenti'],
    ['borsa', 'borse'],
  ],
  de: [
    ['haus', 'häuser'],
    ['gebühr', 'gebühren'],
  ],
  fr: [
    ['étudiant', 'étudiants', 'etudiants'],
    ['élève', 'eleves'],
  ],
  es: [['estudiante', 'estudiantes']],
  pl: [['uczelnia', 'uczelni', 'uczelnię']],
  ro: [['universități', 'universităţi']],
  uk: [['університет', 'університети']],
  el: [['φοιτητής', 'φοιτητές']],
  bg: [['университет', 'университети'], ['потери'], ['погружения']],
}

for (const [language, words] of Object.entries(families)) {
  t.test(`forms of one word: one stem (${language})`, async t => {
    for (const family of words) t.equal(new Set(family.map(word => stem(word, language))).size, 1, family.join(' '))
  })
}

t.test('a Vietnamese word: keeps the marks that tell it from others', async t => {
  t.not(stem('bạn', 'vi'), stem('bán', 'vi'))
})

t.test('a word of another script: follows that script, not the text', async t => {
  t.equal(stem('connections', 'ru'), 'connect')
  t.equal(stem('connections', 'kk'), 'connect')
  t.equal(stem('стипендии', 'en'), stem('стипендии', 'ru'))
})

t.test('a name with digits or signs: stays', async t => {
  for (const name of ['utf8', 'c++', '44', 'ipv6s']) t.equal(stem(name, 'en'), name)
})

t.test('words that every object knows: are words', async t => {
  for (const word of ['constructor', '__proto__']) t.equal(stem(word, 'en'), word)
})

t.test('an unknown language: the word itself', async t => {
  t.equal(stem('zxcvbn', 'xx'), 'zxcvbn')
})
