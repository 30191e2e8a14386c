import t from 'tap'
import { farQuestions, farQuestionsIn } from '../../../../src/ask/calibration/far-questions.ts'
import { bestConnection, comparableLanguages, compared, connection } from '../../../../src/ask/calibration/languages.ts'
import { detectLanguage } from '../../../../src/text/language.ts'

t.test('far questions: enough in every language, in one order, each once', async t => {
  for (const [language, questions] of Object.entries(farQuestions)) {
    t.ok(questions.length >= (['en', 'ru', 'kk', 'vi', 'it'].includes(language) ? 24 : compared), language)
    t.equal(new Set(questions).size, questions.length, language)
    const detected = questions.filter(each => detectLanguage(each, { among: [language] }) === language)
    t.ok(
      detected.length >= questions.length * 0.9,
      `${language}: ${detected.length} of ${questions.length} are read as it`,
    )
  }
  t.equal(farQuestionsIn('sw'), farQuestions['en'])
  t.equal(farQuestionsIn('constructor'), farQuestions['en'])
})

const axis = (at: number) => Float32Array.from({ length: 16 }, (_, i) => (i === at ? 1 : 0))
const meanings = Array.from({ length: 12 }, (_, i) => axis(i))

t.test('a model that gives translations one vector connects them; one that gives all texts one does not', async t => {
  const vectors = new Map([
    ['en', meanings],
    ['ru', meanings],
    ['kk', meanings.map(() => axis(15))],
  ])
  t.equal(connection(vectors, 'en', 'ru'), 1)
  t.equal(connection(vectors, 'kk', 'ru'), 0)
  t.equal(connection(vectors, 'en', 'fr'), 0)
  t.equal(bestConnection(vectors, 'ru'), 1)
  t.equal(bestConnection(vectors, 'kk'), 0)
})

t.test('only languages that the setting allows are compared', async t => {
  t.same(comparableLanguages(['en', 'sw']), ['en'])
  t.ok(comparableLanguages('any').length >= 17)
})
