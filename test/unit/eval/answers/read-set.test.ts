import { join } from 'node:path'
import tap, { type Test } from 'tap'
import { readAnswerSet } from '../../../../src/eval/answers/read-set.ts'

const lines = (...rows: unknown[]) => rows.map(row => `${JSON.stringify(row)}\n`).join('')

const judged = {
  'corpus.jsonl': lines({ id: 'd1', text: 'Open from nine.' }, { id: 'd2', text: 'Closed on Sunday.' }),
  'queries.jsonl': lines(
    { id: 'q1', text: 'When?', lang: 'en', kind: 'answerable', answerable: true },
    { id: 'q2', text: 'Where?', kind: 'far', answerable: false },
    {
      id: 'q3',
      text: 'And on Sunday?',
      answer: 'closed',
      history: [
        { role: 'user', content: 'When?' },
        { role: 'assistant', content: ' ' },
      ],
    },
    { id: 'q4', text: 'Thanks', answerable: null },
    { id: 'q5', text: 'Who?' },
  ),
  'qrels.tsv': 'q1\td1\t2\nq3\td2\t1\n',
  'answers.jsonl': lines({ id: 'q1', answers: ['from nine', '9'] }, { id: 'elsewhere', answers: [] }),
}

const small = {
  'docs.jsonl': lines({ id: 's1', question: 'Is parking free?', answer: 'Yes.' }),
  'questions.jsonl': lines(
    { question: 'Is parking free?', answerable: true, expect_source: ['s1'], expect_text: ['Yes'], kind: 'exact' },
    { question: 'Who?', answerable: false, lang: 'en' },
  ),
  'extra.jsonl': lines({ question: 'parking??', answerable: true, expect_source: ['s1'], expect_text: ['Yes'] }),
}

async function faultsOf(t: Test, files: Record<string, string>): Promise<string> {
  const folder = t.testdir(files)
  const error = await readAnswerSet(folder).then(
    () => new Error('read'),
    (reason: unknown) => reason as Error,
  )
  return error.message.replaceAll(`${folder}/`, '')
}

tap.test('a judged set: kinds, gold answers, history', async t => {
  const set = await readAnswerSet(t.testdir({ mine: judged }) + '/mine')
  t.match(set, { name: 'mine', form: 'judged', corpus: { documents: [{ source: 'd1' }, { source: 'd2' }] } })
  t.match(set.questions, [
    { kind: 'answerable', isAnswerable: true, language: 'en', expected: { answers: ['from nine', '9'] } },
    { kind: 'far', isAnswerable: false },
    { kind: 'answerable', isAnswerable: true, expected: { answers: ['closed'] } },
    { kind: 'unanswerable', isAnswerable: null },
    { kind: 'unanswerable', isAnswerable: false },
  ])
  t.same(set.questions[2]?.history, [{ role: 'user', content: 'When?' }], 'an empty turn is left out')
  const { expected } = set.questions[0]!
  t.same(expected.by === 'judgements' && [...expected.judged], [['d1', 2]])
})

tap.test('gold answers of a set that has none lie next to it, in the folder answers', async t => {
  const { 'answers.jsonl': answers, ...rest } = judged
  const folder = t.testdir({ mine: rest, answers: { mine: { 'answers.jsonl': answers } } })
  const { questions } = await readAnswerSet(join(folder, 'mine'))
  t.match(questions[0], { expected: { answers: ['from nine', '9'] } })
})

tap.test('a small corpus: documents stay files, extra questions are a variant', async t => {
  const set = await readAnswerSet(t.testdir({ mine: small }) + '/mine')
  t.match(set, { form: 'small', corpus: { files: /mine\/docs\.jsonl$/ } })
  t.match(set.questions, [
    { id: 'questions-1', variant: null, kind: 'exact', expected: { by: 'texts', sources: ['s1'], texts: ['Yes'] } },
    { id: 'questions-2', variant: null, kind: 'unanswerable', language: 'en' },
    { id: 'extra-1', variant: 'extra', kind: 'answerable' },
  ])
})

tap.test('faults are reported with file and line', async t => {
  const queries = (...rows: unknown[]) => ({
    ...judged,
    'qrels.tsv': 'query\tdocument\tgrade\n',
    'queries.jsonl': lines(...rows),
  })
  t.equal(
    await faultsOf(t, queries({ id: 'q1', text: 'a', answerable: 'yes' })),
    'queries.jsonl:1: "answerable" must be true, false or null',
  )
  t.match(
    await faultsOf(
      t,
      queries({ id: 'q1', text: 'a' }, { id: 'q2', text: 'b', history: [{ role: 'system', content: '' }] }),
    ),
    'queries.jsonl:2: "history" must be a list of',
  )
  t.equal(
    await faultsOf(t, queries({ id: 'q1', text: 'a', kind: 3 })),
    'queries.jsonl:1: "kind" must be non-empty text',
  )
  t.equal(
    await faultsOf(t, { ...judged, 'answers.jsonl': lines({ id: 'q1', answers: 'nine' }) }),
    'answers.jsonl:1: "answers" must be a list of texts',
  )
  t.equal(
    await faultsOf(t, { ...small, 'questions.jsonl': `\n{"question": "a"\n${lines([1], { answerable: true })}` }),
    [
      'questions.jsonl:2: is not valid JSON',
      'questions.jsonl:3: is not a JSON object',
      'questions.jsonl:4: "question" must be non-empty text',
    ].join('\n'),
  )
  t.equal(
    await faultsOf(t, { ...small, 'questions.jsonl': lines({ question: 'a', answerable: true, expect_text: 'x' }) }),
    'questions.jsonl:1: "expect_text" must be a list of texts',
  )
  t.match(await faultsOf(t, { 'questions.jsonl': lines({ question: 'a' }) }), /^docs\.jsonl: file not found/)
  t.match(await faultsOf(t, { 'docs.jsonl': '' }), /^queries\.jsonl: file not found; a set is a folder with/)
})
