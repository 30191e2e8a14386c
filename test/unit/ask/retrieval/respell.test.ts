import t from 'tap'
import { inOwnLetters, mayBeInOtherLetters, type KnownTerms } from '../../../../src/ask/retrieval/respell.ts'
import type { AskedCollection } from '../../../../src/ask/terms/collection.ts'
import type { Question } from '../../../../src/ask/terms/question.ts'
import type { Run } from '../../../../src/ask/terms/run.ts'
import { AskError } from '../../../../src/errors.ts'

const collection = { id: 1, languages: ['ru', 'en'] } as unknown as AskedCollection
const run = {
  signal: new AbortController().signal,
  deadline: performance.now() + 60_000,
  log: { debug() {}, info() {}, warn() {}, error() {} },
} as unknown as Run

function question(text: string, own: Partial<Question> = {}): Question {
  return { text, collection: 'c', mode: 'fast', topK: 5, filters: {}, language: undefined, history: [], ...own }
}

const has =
  (...terms: string[]): KnownTerms =>
  async lookup =>
    new Set(lookup.terms.filter(term => terms.includes(term)))
const never: KnownTerms = async () => {
  throw new Error('looked up')
}

t.test('a question in the letters of its language: is not looked up', async t => {
  for (const text of ['Сколько стоит абонемент?', 'How much is a membership for students?', '12.5', '']) {
    const asked = question(text)
    t.equal(await inOwnLetters(never, asked, collection, run), asked, text)
  }
})

t.test('a question in other letters: gets the text and language it was meant in', async t => {
  const read = await inOwnLetters(has('абонемент'), question('skolko stoit abonement'), collection, run)
  t.match(read, { text: 'сколько стоит абонемент', language: 'ru' })
})

t.test('a follow-up: the turns of the user are read, those of the service are not', async t => {
  const history = [
    { role: 'user', content: 'skolko stoit abonement' },
    { role: 'assistant', content: 'abonement 5000' },
  ] as const
  const read = await inOwnLetters(
    has('абонемент', 'студент'),
    question('a dlya studentov skolko', { history }),
    collection,
    run,
  )
  t.match(read, { text: 'а для студентов сколько', language: 'ru' })
  t.same(read.history, [{ role: 'user', content: 'сколько стоит абонемент' }, history[1]])
})

t.test('the lookup takes too long: function words decide', async t => {
  const late: KnownTerms = async () => {
    throw new AskError('deadline_exceeded')
  }
  t.match(await inOwnLetters(late, question('skolko stoit abonement'), collection, run), {
    text: 'сколько стоит абонемент',
  })
  t.equal((await inOwnLetters(late, question('abonement'), collection, run)).text, 'abonement')
})

t.test('only a question that may be in other letters is withheld from the semantic cache', async t => {
  t.ok(mayBeInOtherLetters(question('skolko stoit abonement'), collection))
  t.notOk(mayBeInOtherLetters(question('How much is a membership for students?'), collection))
  t.notOk(mayBeInOtherLetters(question('Сколько стоит абонемент?'), collection))
})
