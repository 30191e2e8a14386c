import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { draftChunks } from '../../../src/ingest/draft.ts'
import { contentHash } from '../../../src/ingest/prepare.ts'
import type { WantedColumns } from '../../../src/ingest/readers/rows/row-columns.ts'
import { isAskedAbout } from '../../../src/ingest/readers/rows/value-kind.ts'
import type { FileColumns, SourceDocument } from '../../../src/ingest/terms.ts'
import { readPaths } from '../../support/read-paths.ts'

async function read(t: Test, name: string, text: string, columns?: WantedColumns) {
  const path = join(t.testdir(), name)
  writeFileSync(path, text)
  const documents: SourceDocument[] = []
  const faults: string[] = []
  const choices: FileColumns[] = []
  for await (const result of readPaths([path], { columns })) {
    if ('fault' in result) {
      faults.push(`${result.fault.line}: ${result.fault.reason}`)
      continue
    }
    documents.push(result.document)
    if (result.columns) choices.push(result.columns)
  }
  return { documents, faults, choices }
}

const stock = [
  'name,text,Price,Size,sku,updated_at,link,in_stock',
  'Canoe,For two people on calm water.,"1,249 €",5 m,CN-10442,2026-03-01T09:31:07Z,https://shop.example/c,true',
  'Paddle,Made of ash wood.,39 €,1.4 m,PD-20931,2026-03-02T11:02:44Z,https://shop.example/p,false',
].join('\n')

t.test(
  'columns of words and amounts are in the text; the others are only filtered, and found by themselves',
  async t => {
    const { documents, choices } = await read(t, 'stock.csv', stock)
    t.match(documents, [
      { title: 'Canoe', text: 'For two people on calm water.\nPrice: 1,249 €\nSize: 5 m' },
      { title: 'Paddle', text: 'Made of ash wood.\nPrice: 39 €\nSize: 1.4 m' },
    ])
    t.strictSame(
      choices.map(({ asked, filtered }) => ({ asked, filtered })),
      [{ asked: ['Price', 'Size'], filtered: ['sku', 'updated_at', 'in_stock'] }],
      'told once',
    )
    t.match(documents[0]!.metadata, { sku: 'CN-10442', Price: '1,249 €', in_stock: 'true' }, 'metadata is as before')
    const model = { countTokens: (text: string) => text.length, maxTokens: 512, windowTokens: 128, readsCode: true }
    const [chunk] = [...draftChunks(documents[0]!, 'en', { ...model, languages: 'any' })]
    const without = [...draftChunks({ ...documents[0]!, keywords: '' }, 'en', { ...model, languages: 'any' })][0]!
    t.ok(chunk!.terms.some(term => term.includes('10442')))
    t.notOk(without.terms.some(term => term.includes('10442')))
    t.equal(chunk!.length, without.length, 'identifiers do not make a row longer')
    t.notSame(contentHash(documents[0]!), contentHash({ ...documents[0]!, keywords: 'other' }))
  },
)

t.test('the choice can be set; it renames no document', async t => {
  const sources = async (columns?: WantedColumns) => {
    const { documents, choices } = await read(t, 'stock.csv', stock, columns)
    return { text: documents[0]!.text, asked: choices[0]!.asked, sources: documents.map(({ source }) => source) }
  }
  const chosen = await sources(['SKU', 'size'])
  const none = await sources('none')
  t.match(chosen, { text: 'For two people on calm water.\nSize: 5 m\nsku: CN-10442', asked: ['Size', 'sku'] })
  t.match(none, { text: 'For two people on calm water.', asked: [] })
  t.strictSame(chosen.sources, none.sources)
  t.strictSame((await sources()).sources, none.sources)
})

t.test(
  'JSON lines: lists and nested values are metadata and asked about; objects without a text are their fields',
  async t => {
    const rows = [
      {
        id: 41077,
        title: 'Chess',
        text: 'On Monday.',
        tags: ['board', 'indoor'],
        room: { name: 'Elm', seats: 30 },
        gone: null,
      },
      { name: 'Rowing', pricePerMonth: 25, token: 'a3f9c2e1b7d84455' },
    ]
    const { documents } = await read(t, 'clubs.jsonl', rows.map(row => JSON.stringify(row)).join('\n'))
    t.match(documents, [
      {
        text: 'On Monday.\ntags: board, indoor\nroom.name: Elm\nroom.seats: 30',
        metadata: { tags: ['board', 'indoor'], room: { name: 'Elm', seats: 30 } },
        keywords: '41077',
      },
      { title: 'Rowing', text: 'name: Rowing\nprice Per Month: 25', metadata: { name: 'Rowing', pricePerMonth: 25 } },
    ])
  },
)

t.test('a vector beside the text is left out with a word, and its row is read', async t => {
  const vector = Array.from({ length: 3000 }, (_, i) => i / 7)
  const { documents, faults } = await read(t, 'a.jsonl', JSON.stringify({ text: 'A row.', vector, year: 2026 }))
  t.match(faults, [/^1: has too much metadata; not kept: vector/])
  t.match(documents, [{ metadata: { year: 2026 } }])
  t.notOk('vector' in documents[0]!.metadata)
})

t.test('vectors and pairs of coordinates are not in the text', async t => {
  const embedding = Array.from({ length: 64 }, (_, i) => Math.sin(i) / (i === 7 ? 1e9 : 1))
  const rows = [1, 2].map(i =>
    JSON.stringify({
      text: `Row ${i}`,
      embedding,
      at: '51.1234,71.4321',
      packed: embedding.join(),
      sizes: [38, 40, 42],
    }),
  )
  const { documents, choices } = await read(t, 'a.jsonl', rows.join('\n'))
  t.strictSame(
    documents.map(({ text }) => text),
    ['Row 1\nsizes: 38, 40, 42', 'Row 2\nsizes: 38, 40, 42'],
  )
  t.match(documents[0]!.keywords, '51.1234,71.4321')
  t.notMatch(documents[0]!.keywords, '0.8414')
  t.strictSame(choices[0]!.filtered, ['embedding', 'at', 'packed'])
})

t.test('a column is judged by its values', t => {
  const asked: Record<string, string[]> = {
    Price: ['249', '39', '5'],
    Salary: ['12500000', '14000000'],
    Population: ['12345678', '984512', '8120'],
    Date: ['2026-03-01', '2026-04-02'],
    Starts: ['2026-03-01T18:00:00', '2026-04-02T19:30:00'],
    Opens: ['09:00:00', '10:30:00'],
    Room: ['B204', 'C110'],
    Phone: ['+7 701 555 01 02', '+7 701 555 01 03'],
    'E-mail': ['dean@example.org', 'hall@example.org'],
    Norm: ['ISO9001', 'ISO9001', 'ISO14001'],
    Vegan: ['yes', 'no'],
    Weight: ['10kg', '1.5 kg'],
    Город: ['Алматы', 'Астана'],
    Years: [Array.from({ length: 30 }, (_, i) => 1990 + i).join(', ')],
  }
  for (const [name, values] of Object.entries(asked)) t.ok(isAskedAbout(name, values), name)
  const filtered: Record<string, string[]> = {
    sku: ['TNT-0042', 'TNT-0043'],
    Reference: ['INV-2026-0042', 'INV-2026-0043'],
    Артикул: ['10-442', '10-77A'],
    ean: ['4006381333931', '4006381333948'],
    Zip: ['0042', '0107'],
    row: ['1', '2', '3'],
    customerId: ['1042', '877'],
    updated: ['2026-03-01T18:22:07Z', '2026-03-01T18:25:09Z'],
    page: ['https://example.org/a', 'www.example.org'],
    host: ['10.0.0.7', '10.0.0.12'],
    mac: ['00:1b:44:11:3a:b7', '00:1b:44:11:3a:b8'],
    uid: ['6f1c0e0a-8a54-4b53-9ae2-6d9a3c9ef111', '6f1c0e0a-8a54-4b53-9ae2-6d9a3c9ef112'],
    sum: ['9e107d9d372bb6826bd81d3542a419d6', 'e4d909c290d0fb1ca068ffaddf22cbd0'],
    flag: ['true', 'false', ''],
    lat: ['43.238949', '51.169392'],
    empty: ['', ''],
  }
  for (const [name, values] of Object.entries(filtered)) t.notOk(isAskedAbout(name, values), name)
  t.end()
})

t.test('the sample is bounded: a column that begins later is not asked about, and every row is read', async t => {
  const rows = Array.from({ length: 450 }, (_, i) => ({
    text: `Row ${i}.`,
    ...(i > 300 ? { late: 'word' } : { early: 'word' }),
  }))
  const { documents, choices } = await read(t, 'a.jsonl', rows.map(row => JSON.stringify(row)).join('\n'))
  t.equal(documents.length, 450)
  t.strictSame(choices[0]!.asked, ['early'])
  t.equal(documents[400]!.text, 'Row 400.')
})
