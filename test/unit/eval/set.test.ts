import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readSet } from '../../../src/eval/set.ts'

const lines = (...rows: object[]) => rows.map(row => `${JSON.stringify(row)}\n`).join('')

const files = {
  'corpus.jsonl': lines(
    { id: 'd1', title: 'Hours', text: 'Open from nine.', lang: 'en' },
    { id: 2, text: 'Closed on Sunday.' },
  ),
  'queries.jsonl': lines({ id: 'q1', text: 'When?', lang: 'en' }, { id: 'q2', text: 'Where?' }),
  'queries.typo.jsonl': lines({ id: 'q1', text: 'Whenn?' }),
  'qrels.tsv': 'query\tdocument\tgrade\nq1\td1\t2\nq1\t2\t0\n',
}

async function faultsOf(t: Test, changed: Record<string, string>): Promise<string> {
  const folder = t.testdir({ ...files, ...changed })
  const error = await readSet(folder).then(
    () => new Error('read'),
    (reason: unknown) => reason as Error,
  )
  return error.message.replaceAll(`${folder}/`, '')
}

t.test('a set: documents by their ids, a variant a file, judgements', async t => {
  const set = await readSet(join(t.testdir({ mine: files }), 'mine/'))
  t.equal(set.name, 'mine')
  t.match(set.documents, [
    { source: 'd1', title: 'Hours', language: 'en' },
    { source: '2', title: '', language: null },
  ])
  t.same(
    set.variants.map(each => [each.name, each.questions.length]),
    [
      ['mine', 2],
      ['mine/typo', 1],
    ],
  )
  const [first, second] = set.variants[0]?.questions ?? []
  t.same(
    [...(first?.judged ?? [])],
    [
      ['d1', 2],
      ['2', 0],
    ],
  )
  t.match(
    [first, second],
    [
      { language: 'en', isAnswerable: true },
      { language: undefined, isAnswerable: false },
    ],
  )
})

t.test("TREC's four columns do as well", async t => {
  const set = await readSet(t.testdir({ ...files, 'qrels.tsv': 'q1 0 d1 1\r\n\r\nq2 0 2 1' }))
  t.ok(set.variants[0]?.questions.every(each => each.isAnswerable))
})

t.test('what is wrong is named by file and line, all at once', async t => {
  t.equal(
    await faultsOf(t, {
      'corpus.jsonl': `${files['corpus.jsonl']}{"id":"d3"\n\n${lines({ id: 'd1', text: 'again' }, { id: 'd 4', text: 'blank' }, { id: 'd5', text: ' ' })}`,
      'queries.typo.jsonl': '[]\n',
      'qrels.tsv': 'q1\td1\t1\nq9\td1\t1\nq1\td9\t1\nq1\td1\n',
    }),
    [
      'corpus.jsonl:3: is not valid JSON',
      'corpus.jsonl:5: has the same id as line 1',
      'corpus.jsonl:6: "id" must be text without spaces, or a number',
      'corpus.jsonl:7: "text" must be non-empty text',
      'queries.typo.jsonl:1: is not a JSON object',
      'queries.typo.jsonl: has no questions',
      'qrels.tsv:2: names the question "q9", which is in no queries file',
      'qrels.tsv:3: names the document "d9", which is not in corpus.jsonl',
      'qrels.tsv:4: must be a question id, a document id and an integer grade, separated by tabs',
    ].join('\n'),
  )
})

t.test('more than ten faults: ten, and how many more', async t => {
  const message = await faultsOf(t, { 'qrels.tsv': 'q1\td1\t1\n'.repeat(2) + 'q9\td1\t1\n'.repeat(13) })
  t.equal(message.split('\n').length, 11)
  t.match(message, /and 3 more errors$/)
})

t.test('a folder without the files: says what a set is', async t => {
  await t.rejects(
    readSet(t.testdir({})),
    /corpus\.jsonl: file not found; a set is a folder with corpus\.jsonl, queries\.jsonl and qrels\.tsv/,
  )
})
