import t from 'tap'
import { lexiconOf } from '../../../../src/ask/calibration/lexicon.ts'
import { syntheticQuestions, type SampledChunk } from '../../../../src/ask/calibration/synthetic.ts'

const chunk = (title: string, text: string, language = 'en'): SampledChunk => ({
  chunkId: 1,
  documentId: 'd',
  title,
  language,
  text,
  start: 100,
})

const library =
  'The library is open on weekdays. Members borrow books for thirty days at a time. A lost book is paid for by its reader.'

t.test('a sentence of the text, which is taken out of it', async t => {
  const question = syntheticQuestions([chunk('Library', library)])[0]!
  t.equal(question.text, 'Members borrow books for thirty days at a time.')
  t.equal(question.left.title, 'Library')
  t.notMatch(question.left.text, 'Members borrow')
  t.match(question.left.text, 'open on weekdays')
  t.same(library.slice(question.span!.start - 100, question.span!.end - 100).trim(), question.text, 'in the document')
})

t.test('a question in a title is asked as it stands, against its answer without it', async t => {
  const answer = 'Members keep a book for thirty days, unless somebody else waits for it.'
  const [question] = syntheticQuestions([
    chunk('Library › How long may I keep a book?', `How long may I keep a book?\n${answer}`),
  ])
  t.match(question, {
    text: 'How long may I keep a book?',
    isQuestion: true,
    left: { title: 'Library', text: answer },
    span: null,
  })
})

t.test('Kazakh, Russian and Chinese chunks have questions, too', async t => {
  const texts = [
    chunk(
      'Жатақхана қанша тұрады?',
      'Жатақханада бір орын айына он сегіз мың теңге тұрады, төлем семестр басында жасалады.',
      'kk',
    ),
    chunk(
      'Сколько стоит общежитие?',
      'Место в общежитии стоит восемнадцать тысяч тенге в месяц, оплата в начале семестра.',
      'ru',
    ),
  ]
  t.same(
    syntheticQuestions(texts).map(each => each.text),
    ['Жатақхана қанша тұрады?', 'Сколько стоит общежитие?'],
  )
})

t.test('nothing is asked of what has nothing left to answer, or no words', async t => {
  t.same(syntheticQuestions([chunk('Opening hours', 'From nine to five.'), chunk('', '12 34 56'), chunk('', '')]), [])
})

t.test('what a chunk keeps of its score without the sentence that was asked', async t => {
  const lexicon = lexiconOf([
    ['book', 'library', 'day'],
    ['grant', 'form'],
    ['book', 'form'],
  ])
  const whole = ['book', 'library', 'day']
  t.same(lexicon.kept(['library', 'day'], whole, whole), { score: 1, coverage: 1 })
  t.same(lexicon.kept(['library', 'day'], whole, ['book']), { score: 0, coverage: 0 })
  const half = lexicon.kept(['library', 'day'], whole, ['book', 'library'])
  t.ok(half.score > 0.4 && half.score < 0.7)
  t.equal(half.coverage, 0.5)
  t.same(lexicon.kept([], whole, whole), { score: 0, coverage: 0 })
})
