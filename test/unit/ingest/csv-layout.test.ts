import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { SourceDocument } from '../../../src/ingest/terms.ts'
import { readPaths } from '../../support/read-paths.ts'

async function read(t: Test, name: string, text: string | Buffer) {
  const path = join(t.testdir(), name)
  writeFileSync(path, text)
  const documents: SourceDocument[] = []
  const faults: string[] = []
  for await (const result of readPaths([path])) {
    if ('fault' in result) faults.push(`${result.fault.line}: ${result.fault.reason}`)
    else documents.push(result.document)
  }
  return { rows: documents.map(({ title, text: body }) => [title, body]), faults, documents }
}

const expected = [
  ['Where is the pool?', 'Behind the gym, to the left.'],
  ['When is it open?', 'From 7 to 21; on Sunday from 9.'],
]

function table(delimiter: string, header = ['Question', 'Answer']): string {
  const quoted = (field: string) => (field.includes(delimiter) ? `"${field}"` : field)
  return [header, ...expected].map(row => row.map(quoted).join(delimiter)).join('\r\n')
}

t.test('every delimiter, stated or not', async t => {
  for (const delimiter of [',', ';', '\t', '|']) {
    t.strictSame((await read(t, 'a.csv', table(delimiter))).rows, expected, delimiter)
    t.strictSame(
      (await read(t, 'a.csv', `\ufeffsep=${delimiter}\r\n${table(delimiter)}`)).rows,
      expected,
      `sep=${delimiter}`,
    )
  }
  t.strictSame((await read(t, 'a.csv', `sep=^\n${table('^')}`)).rows, expected)
  t.strictSame((await read(t, 'a.tsv', table('\t'))).rows, expected)
})

t.test('lines above the header are no rows', async t => {
  const above = 'Pool of the town,\nPrinted on 3 March 2026,\n,\n\n'
  t.strictSame((await read(t, 'a.csv', above + table(','))).rows, expected)
  const wide = 'Stock of March\n\nItem,Colour,Price\nTent,green,249\nStove,black,39\n'
  t.strictSame((await read(t, 'a.csv', wide)).rows, [
    ['a', 'Item: Tent\nColour: green\nPrice: 249'],
    ['a', 'Item: Stove\nColour: black\nPrice: 39'],
  ])
})

t.test('a header below a title may have a name twice', async t => {
  const { documents, faults } = await read(t, 'a.csv', 'Our list 2026\n\nName,Price,Price\nTent,249,199\nPeg,9,7\n')
  t.strictSame(faults, [])
  t.strictSame(
    documents.map(({ metadata }) => metadata),
    [
      { Price: 249, 'Price 2': 199 },
      { Price: 9, 'Price 2': 7 },
    ],
  )
})

t.test('a file without a header has no row less', async t => {
  const faq = await read(t, 'a.csv', expected.map(row => row.map(field => `"${field}"`).join(',')).join('\n'))
  t.strictSame(faq.rows, expected)
  const goods = await read(t, 'a.csv', 'Tent,249\nStove,39\nLamp,12\n')
  t.strictSame(
    goods.rows.map(([, text]) => text),
    ['column 1: Tent\ncolumn 2: 249', 'column 1: Stove\ncolumn 2: 39', 'column 1: Lamp\ncolumn 2: 12'],
  )
  const years = await read(t, 'a.csv', 'City,2024,2025\nElstow,120,130\nBrook,90,95\n')
  t.strictSame(years.rows[0], ['a', 'City: Elstow\n2024: 120\n2025: 130'])
})

t.test('an FAQ is known by its content if its columns have other names', async t => {
  t.strictSame((await read(t, 'a.csv', table(';', ['Was man wissen will', 'Was gilt']))).rows, expected)
  t.strictSame((await read(t, 'a.csv', table(';', ['Frage', 'Antwort']))).rows, expected)
})

t.test('columns of one name are apart; a file may have one column', async t => {
  const { documents } = await read(t, 'a.csv', 'text,Price,Price\nTent.,249,199\n')
  t.match(documents[0], { text: 'Tent.\nPrice: 249\nPrice 2: 199', metadata: { Price: 249, 'Price 2': 199 } })
  t.strictSame((await read(t, 'a.csv', 'text\nOne.\nTwo.\n')).rows, [
    ['a', 'One.'],
    ['a', 'Two.'],
  ])
  t.strictSame((await read(t, 'a.csv', 'The pool is closed.\nThe gym, however, is open.\n')).rows.length, 2)
  t.strictSame((await read(t, 'a.csv', 'text,b\n')).rows, [])
  t.strictSame((await read(t, 'a.csv', '')).rows, [])
})

t.test('rows that do not fit are refused with their line, whatever is above the header', async t => {
  const { rows, faults } = await read(t, 'a.csv', `sep=;\n${table(';')}\nalone\n"open;x\nWhy?;So.\n`)
  t.strictSame(rows, [...expected, ['Why?', 'So.']])
  t.strictSame(faults, ['5: has 1 fields, the header has 2', '6: has a quote that is not closed'])
})
