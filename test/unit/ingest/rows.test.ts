import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readPaths } from '../../support/read-paths.ts'
import { createFieldScanner, detectDelimiter } from '../../../src/ingest/readers/rows/csv-fields.ts'
import type { SourceDocument } from '../../../src/ingest/terms.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url))

async function read(path: string) {
  const documents: SourceDocument[] = []
  const faults: string[] = []
  for await (const result of readPaths([path])) {
    if ('fault' in result) faults.push(`${result.fault.line}: ${result.fault.reason}`)
    else documents.push(result.document)
  }
  return { documents, faults }
}

t.test('an FAQ in Russian, as a spreadsheet writes it', async t => {
  const { documents, faults } = await read(`${fixtures}faq-ru.csv`)
  t.strictSame(faults, [])
  t.match(documents, [
    {
      title: 'Как подать на стипендию?',
      text: 'Напишите заявление.\nВ деканат; "лично".\nФакультет: право\nГод: 2026',
      url: 'https://example.org/a',
      language: 'ru',
      metadata: { Факультет: 'право', Год: 2026 },
    },
    { title: 'Когда каникулы?', text: 'В июле.', url: null, language: null, metadata: { Год: '007' } },
  ])
})

t.test('a row of JSON lines that is nested too deeply is a fault, and the rows after it are read', async t => {
  const path = join(t.testdir(), 'rows.jsonl')
  const deep = `{"text":"deep","metadata":{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`
  writeFileSync(path, ['{"text":"first"}', deep, '{"text":"last"}'].join('\n'))
  const { documents, faults } = await read(path)
  t.strictSame(
    documents.map(({ text }) => text),
    ['first', 'last'],
  )
  t.strictSame(faults, ['2: is nested too deeply'])
})

t.test('faults of a CSV name their line, and every good row is read', async t => {
  const { documents, faults } = await read(`${fixtures}faq-faulty.csv`)
  t.strictSame(faults, [
    '3: has 2 fields, the header has 3',
    '6: has a quote that is not closed',
    '8: is the same row as line 2',
  ])
  t.strictSame(
    documents.map(document => document.text),
    [
      'On the second floor, left.\ntopic: places',
      'A pipe.\ntopic: hardware',
      'Yes.\ntopic: places',
      'In the main building.\ntopic: places',
    ],
  )
  t.equal(new Set(documents.map(document => document.source)).size, 4, 'two answers to one question are two documents')
})

t.test('an id that makes too long a source is a fault of its row; the others are read', async t => {
  const long = 'я'.repeat(1250)
  const folder = t.testdir({
    'faq.csv': `id,question,answer\na,one?,1\n${long},two?,2\nc,three?,3\n`,
    'faq.jsonl': `${JSON.stringify({ id: long, text: 'two' })}\n${JSON.stringify({ id: 'c', text: 'three' })}\n`,
  })
  const csv = await read(join(folder, 'faq.csv'))
  t.match(csv.faults, [
    /^3: has a source \(file name and id\) that takes \d+ bytes in UTF-8, but the limit is 2500; shorten it$/,
  ])
  t.strictSame(
    csv.documents.map(({ title }) => title),
    ['one?', 'three?'],
  )
  const jsonl = await read(join(folder, 'faq.jsonl'))
  t.match(jsonl.faults, [/^1: has a source/])
  t.strictSame(
    jsonl.documents.map(({ text }) => text),
    ['three'],
  )
})

t.test('a table without questions is told in lines', async t => {
  const { documents } = await read(`${fixtures}goods.csv`)
  t.match(documents, [
    { title: 'Tea', text: 'Name: Tea\nPrice: 2.5\nColour: green', metadata: { Price: 2.5, Colour: 'green' } },
    { title: 'Coffee', text: 'Name: Coffee\nPrice: 3', metadata: { Price: 3 } },
  ])
})

t.test('question columns in every language that we know', async t => {
  for (const [question, answer] of [
    ['Сұрақ', 'Жауап'],
    ['CÂU HỎI', 'câu_trả_lời'],
    ['Domanda', 'Risposta'],
    ['Question', 'ANSWER'],
  ] as const) {
    const folder = t.testdir({ 'faq.csv': `${question},${answer}\none?,two\n` })
    const { documents } = await read(join(folder, 'faq.csv'))
    t.match(documents, [{ title: 'one?', text: 'two' }], question)
  }
})

t.test('a source is stable: the id, or a hash that neither an edited answer nor a new row changes', async t => {
  const sourcesOf = async (csv: string) => {
    const { documents } = await read(join(t.testdir({ 'faq.csv': csv }), 'faq.csv'))
    return documents.map(document => document.source)
  }
  const [before] = await sourcesOf('question,answer\none?,1\n')
  const after = await sourcesOf('question,answer\nzero?,0\none?,uno\n')
  t.equal(after[1], before)
  t.strictSame(await sourcesOf('id,text\n a 1 ,x\n'), ['faq.csv#a 1'])
})

t.test('a quote that is open to the end of the file costs one row', async t => {
  const folder = t.testdir({ 'a.csv': 'text,b\none,1\n"two,2\nthree,3\nfour,4\n' })
  const { documents, faults } = await read(join(folder, 'a.csv'))
  t.strictSame(
    documents.map(document => document.text),
    ['one\nb: 1', 'three\nb: 3', 'four\nb: 4'],
  )
  t.strictSame(faults, ['3: has a quote that is not closed'])
})

t.test('CSV: a header that is not UTF-8 ends the file', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'cp1251.csv'), Buffer.from([0xe2, 0xee, 0xef, 0x2c, 0x62, 0x0a, 0x61, 0x2c, 0x62, 0x0a]))
  const { documents, faults } = await read(join(folder, 'cp1251.csv'))
  t.same(documents, [])
  t.match(faults, [/^1: is not valid UTF-8/])
})

t.test('fields: quotes, doubled quotes, and quotes where they should not be', async t => {
  const fields = (line: string) => createFieldScanner(',').push(line)
  t.strictSame(fields('a,"b,c",d'), ['a', 'b,c', 'd'])
  t.strictSame(fields('"a ""b"" c",""'), ['a "b" c', ''])
  t.strictSame(fields('5" pipe,x'), ['5" pipe', 'x'])
  t.strictSame(fields('"the "best" one",x'), ['the "best" one', 'x'])
  t.strictSame(fields('a, "b" ,'), ['a', 'b', ''])
  t.equal(fields('"open'), null)
})

t.test('the delimiter is what divides the header', async t => {
  t.equal(detectDelimiter('a;b;"c,d,e,f"'), ';')
  t.equal(detectDelimiter('a\tb'), '\t')
  t.equal(detectDelimiter('alone'), ',')
})

t.test('JSON lines: fields, unknown scalars as metadata, faults by line', async t => {
  const { documents, faults } = await read(`${fixtures}rows.jsonl`)
  t.strictSame(faults, [
    '3: has no text',
    '4: is not valid JSON',
    '5: is not a JSON object',
    '7: has the same id as line 1',
  ])
  t.match(documents, [
    {
      source: 'rows.jsonl#7',
      title: 'Library',
      text: 'Open daily.\nfloor: 2\nnested.a: 1',
      url: 'https://example.org/7',
      language: 'en',
    },
    { title: 'Сұрақ?', text: 'Жауап.', language: 'kk' },
    { title: 'rows', text: 'Last of all.' },
  ])
  t.strictSame(documents[0]!.metadata, { floor: 2, nested: { a: 1 }, tags: ['a', 'b'] })
})

t.test('JSON lines: one that is not UTF-8 is a fault, the others are read', async t => {
  const { documents, faults } = await read(`${fixtures}not-utf8.jsonl`)
  t.match(faults, [/^2: is not valid UTF-8/])
  t.strictSame(
    documents.map(document => document.text),
    ['fine', 'fine too'],
  )
})

t.test('JSON lines: one longer than 16 MB is a fault, the next is read', async t => {
  const folder = t.testdir({ 'a.jsonl': `{"text":"${'x'.repeat(17 * 2 ** 20)}"}\n{"text":"short"}` })
  const { documents, faults } = await read(join(folder, 'a.jsonl'))
  t.strictSame(faults, ['1: is longer than 16 MB'])
  t.equal(documents[0]!.text, 'short')
})
