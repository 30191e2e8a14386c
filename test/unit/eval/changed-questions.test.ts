import t from 'tap'
import { changedQuestions, misspelt } from '../../../src/eval/changed-questions.ts'
import type { KindedQuestion } from '../../../src/eval/gather-signals.ts'

const asked = (id: string, text: string): KindedQuestion => ({
  id,
  text,
  language: 'en',
  kind: 'answerable',
  isAnswerable: true,
})

const documents = [
  { source: 'rooms', text: 'A place in the dormitory costs 12000 tenge. Block 7 has a laundry.', language: 'en' },
  { source: 'library', text: 'The library lends books for thirty days, also to Norwegians.', language: 'en' },
  { source: 'canteen', text: 'The canteen opens before the library.', language: 'en' },
]
const answeredBy = new Map([
  ['1', ['rooms']],
  ['2', ['rooms']],
  ['3', ['library']],
])
const questions = [
  asked('1', 'What does the dormitory cost?'),
  asked('2', 'What does block 7 have?'),
  asked('3', 'Does the library admit Norwegians?'),
]
const donors = [...questions, asked('4', 'Where do Swedes buy umbrellas?')]
const from = { documents, answeredBy, donors, seed: 3 }

t.test('the rarest word is another one that its documents do not have, or the number is another one', async t => {
  const changed = changedQuestions(questions, from)
  t.same(
    changed.map(({ id, kind, isAnswerable }) => [id, kind, isAnswerable]),
    [
      ['1 changed', 'changed', false],
      ['2 changed', 'changed', false],
      ['3 changed', 'changed', false],
    ],
  )
  const [cost, block, library] = changed.map(({ text }) => text)
  t.match(cost, /^What does the (?!dormitory)\w+ cost\?$|^What does the dormitory (?!cost)\w+\?$/)
  t.match(block, /^What does block [0-689] have\?$/)
  t.equal(library, 'Does the library admit Swedes?', 'a name for a name')
  t.same(changedQuestions(questions, from), changed, 'the same ones for a seed')
})

t.test('a question without a word to change is left out', async t => {
  t.same(changedQuestions([asked('1', 'What is it?'), asked('1', 'Umbrellas?')], from), [])
  t.same(
    changedQuestions(questions, { ...from, donors: [] }).map(({ id }) => id),
    ['2 changed'],
  )
})

t.test('misspelt: one long word has a letter less, or two exchanged', async t => {
  const all = misspelt(questions, 1)
  t.equal(all.length, 3)
  for (const { id, text, isAnswerable } of all) {
    const original = questions.find(each => id === `${each.id} misspelt`)!.text
    t.ok(isAnswerable)
    t.not(text, original)
    const lost = original.length - text.length
    t.ok(lost === 0 || lost === 1)
    if (lost === 0) t.same([...text].sort(), [...original].sort())
  }
  t.same(misspelt([asked('5', 'Is it 1000?')], 1), [])
})
