import t from 'tap'
import { analyzeQuestion } from '../../../../src/ask/retrieval/analyze-question.ts'
import { leanOf, type Lean } from '../../../../src/ask/retrieval/follow-up.ts'
import type { AskedCollection } from '../../../../src/ask/terms/collection.ts'
import type { Question, Turn } from '../../../../src/ask/terms/question.ts'

/** How much a question leans on the conversation before it, and what it borrows. */

function conversation(...turns: readonly string[]): Turn[] {
  return turns.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
}

function asked(text: string, history: readonly Turn[], language: string) {
  const question: Question = {
    text,
    collection: 'c',
    mode: 'fast',
    topK: 5,
    filters: {},
    language,
    history,
  }
  return analyzeQuestion(question, { languages: [language] } as unknown as AskedCollection)
}

t.test('how much a question leans', async t => {
  const cases: readonly (readonly [language: string, text: string, lean: Lean])[] = [
    ['en', 'And in winter?', 'wholly'],
    ['en', 'How long does it take?', 'wholly'],
    ['en', 'What about students?', 'wholly'],
    ['en', 'Why?', 'wholly'],
    ['en', 'Did he win any prize in Paris?', 'partly'],
    ['en', 'How long may I keep a book until it has to go back?', 'hardly'],
    ['en', 'Where is the library?', 'perhaps'],
    ['en', 'How do I apply for a place in the dormitory?', 'no'],
    ['ru', 'А сколько он стоит?', 'wholly'],
    ['ru', 'А для магистрантов?', 'wholly'],
    ['ru', 'Сколько стоит общежитие для иностранных студентов?', 'no'],
    ['kk', 'Ал докторанттарға ше?', 'wholly'],
    ['kk', 'Ол қанша тұрады?', 'wholly'],
    ['kk', 'Жатақхана қайда?', 'perhaps'],
    ['vi', 'Còn thứ bảy?', 'wholly'],
    ['vi', 'Nó giá bao nhiêu?', 'wholly'],
    ['vi', 'Thư viện mở cửa lúc mấy giờ vào cuối tuần?', 'no'],
    ['vi', 'con thu bay thi sao?', 'wholly'],
    ['it', 'E per gli studenti?', 'wholly'],
    ['it', 'È possibile prenotare una stanza singola?', 'no'],
    ['de', 'Und am Wochenende?', 'wholly'],
    ['fr', 'Et pour les étudiants ?', 'wholly'],
    ['es', '¿Y para los estudiantes?', 'wholly'],
    ['pt', 'É possível reservar um quarto individual?', 'no'],
    ['zh', '周末呢？', 'wholly'],
  ]
  for (const [language, text, lean] of cases) t.equal(leanOf(text, language), lean, text)
})

t.test('a Vietnamese word of two syllables is one word', async t => {
  // Eight syllables, four words: it names what it is about.
  t.equal(leanOf('Học phí ngành công nghệ thông tin', 'vi'), 'no')
  // Four syllables, two words.
  t.equal(leanOf('Học phí ngành luật?', 'vi'), 'perhaps')
})

t.test('what a follow-up leaves unsaid is searched for, wanted in the answer and compared by meaning', async t => {
  const { terms, own, standalone } = asked(
    'А сколько он стоит?',
    conversation('Есть ли у вас военная кафедра?', 'Да, есть.'),
    'ru',
  )
  const borrowed = terms.filter(({ term }) => ['воен', 'кафедр'].includes(term))
  t.equal(borrowed.length, 2)
  t.ok(borrowed.every(({ isContent }) => isContent))
  t.ok(own.some(({ term }) => term === 'воен'))
  t.equal(standalone, 'Есть ли у вас военная кафедра? А сколько он стоит?')
})

t.test('a chain of follow-ups keeps its subject; what was only pointed to counts less', async t => {
  const history = conversation(
    'How do I apply for a dormitory place?',
    'In the portal.',
    'What does it cost?',
    '12,000 a month.',
    'And for guests?',
    'Guests pay daily.',
  )
  const { terms, standalone } = asked('And in summer?', history, 'en')
  const countOf = (word: string) => terms.find(({ term }) => term === word)?.count ?? 0
  t.ok(countOf('dormitori') > 0)
  t.ok(countOf('dormitori') > countOf('cost'))
  t.match(standalone, /dormitory place.*And in summer\?$/)
})

t.test('a new subject borrows nothing, or too little to outweigh it', async t => {
  const history = conversation('How do I apply for a dormitory place?', 'In the portal, before August.')
  const cases: readonly (readonly [string, string])[] = [
    ['en', 'Where do I get a card for the library?'],
    ['en', 'Where is the library?'],
    ['it', 'Come posso rinnovare la tessera della biblioteca?'],
  ]
  for (const [language, text] of cases) {
    const { terms, own, standalone } = asked(text, history, language)
    t.equal(standalone, undefined, text)
    t.notOk(
      own.some(({ term }) => term.startsWith('dorm')),
      text,
    )
    for (const { term, count, isContent } of terms)
      if (term.startsWith('dorm')) t.ok(count <= 0.3 && !isContent, `${text}: ${term}`)
  }
})

t.test('thanks and greetings between the turns are no subject', async t => {
  const history = conversation(
    'How do I apply for a dormitory place?',
    'In the portal.',
    'Thank you!',
    "You're welcome!",
  )
  const { terms } = asked('Hi again! And in summer?', history, 'en')
  t.ok(terms.some(({ term }) => term === 'dormitori'))
  t.notOk(terms.some(({ term }) => ['thank', 'hi'].includes(term)))
})

t.test('without a conversation a short question is itself', async t => {
  const { terms, own, standalone } = asked('And in winter?', [], 'en')
  t.equal(standalone, undefined)
  t.same(
    terms.filter(({ isSpare }) => !isSpare),
    own,
  )
})
