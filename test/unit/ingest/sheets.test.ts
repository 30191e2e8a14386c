import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readOds } from '../../../src/ingest/readers/office/ods.ts'
import { readXlsx } from '../../../src/ingest/readers/office/xlsx.ts'
import { archive, sheetData, xlsx } from '../../support/office-files.ts'
import { readPaths } from '../../support/read-paths.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/documents/', import.meta.url))

async function texts(bytes: Buffer): Promise<string[]> {
  return (await readXlsx(bytes)).blocks.map(({ text }) => text)
}

async function readFile(path: string) {
  const faults: string[] = []
  const documents = []
  for await (const result of readPaths([path]))
    if ('fault' in result) faults.push(result.fault.reason)
    else documents.push(result.document)
  return { faults, document: documents[0] }
}

for (const name of ['prices.xlsx', 'prices.ods']) {
  t.test(
    `${name}, written by LibreOffice: values as shown, merged cells, links; hidden parts are reported`,
    async t => {
      const { faults, document } = await readFile(fixtures + name)
      t.equal(document!.title, 'Equipment for hire')
      t.equal(
        document!.text,
        [
          'Prices',
          'Prices of the hire shop\nValid in the whole season',
          [
            '| Kind | Item | Price | Discount | From |',
            '| Tents | [Small tent](https://example.org/tents/small) | 1,249.50 € | 12.5% | 2026-06-30 |',
            '| Tents | Large ¦ family tent, 12 m² | 2,499.00 € |  | 2026-07-01 |',
            '| Boats | Kayak | 35.00 € | 0.0% |  |',
          ].join('\n'),
          'Opening hours',
          '| Day | Open |\n| Sunday | FALSE |',
        ].join('\n\n'),
      )
      t.strictSame(faults, [
        'has hidden sheets, which were left out: Costs',
        'has hidden rows or columns, which were left out, in Prices',
      ])
    },
  )
}

t.test('files of other programs: dates, links, fields merged over columns, dates from 1904', async t => {
  const text = async (name: string) => (await readFile(`${fixtures}exceljs/${name}`)).document!.text
  t.match(await text('gold.xlsx'), /\| Date \| 2016-05-17 \|\n.*\n\| Hyperlink \| \[exceljs\]\(https:/)
  t.match(await text('test-pr-1204.xlsx'), /\| PROJECT NAME \| \(Enter Name\) \|\n\| PROJECT DESCRIPTION \|/)
  t.equal(await text('1904.xlsx'), '1904-01-01')
})

t.test('numbers are shown in the format of their cell', async t => {
  const formats = ['0.0%', '#,##0.00 [$€-407]', '00000', '0 &quot;kg&quot;', 'dd/mm/yyyy hh:mm', 'mmm yyyy', '[h]:mm']
  const values = [0.125, 1234.5, 742, 3, 46203.75, 46203, 1.5]
  const cells = values.map((value, i) => `<row r="${i + 1}"><c r="A${i + 1}" s="${i + 1}"><v>${value}</v></c></row>`)
  const general = '<row r="8"><c r="A8"><v>0.30000000000000004</v></c></row>'
  const xml = `<sheetData>${cells.join('')}${general}</sheetData>`
  t.strictSame(await texts(xlsx([{ name: 'Sheet1', xml }], formats)), [
    '12.5%\n1,234.50 €\n00742\n3 kg\n2026-06-30 18:00\nJun 2026\n36:00\n0.3',
  ])
})

t.test('raised and lowered text in a cell is written as in a page', async t => {
  const run = (text: string, align = '') =>
    `<r>${align === '' ? '' : `<rPr><vertAlign val="${align}"/></rPr>`}<t xml:space="preserve">${text}</t></r>`
  const cells = [
    [run('10'), run('6 ', 'superscript'), run('kg')],
    [run('x'), run('n', 'superscript')],
    [run('1'), run('st', 'superscript'), run(' place')],
    [run('H'), run('2', 'subscript'), run('O')],
    [run('Askwell'), run('TM', 'superscript')],
  ].map((runs, i) => `<c r="A${i + 1}" t="inlineStr"><is>${runs.join('')}</is></c>`)
  const xml = `<sheetData>${cells.map((cell, i) => `<row r="${i + 1}">${cell}</row>`).join('')}</sheetData>`
  t.strictSame(await texts(xlsx([{ name: 'Sheet1', xml }])), ['10⁶ kg\nx^n\n1st place\nH₂O\nAskwell™'])
})

t.test('a workbook that counts from 1904 has other dates', async t => {
  const xml = '<sheetData><row r="1"><c r="A1" s="1"><v>44741</v></c></row></sheetData>'
  const workbook = xlsx([{ name: 'Sheet1', xml }], ['yyyy-mm-dd'], '<workbookPr date1904="1"/>')
  t.strictSame(await texts(workbook), ['2026-06-30'])
})

t.test('formulas by their value, errors are empty, links by formula and by place', async t => {
  const link = 'HYPERLINK(&quot;https://example.org/book&quot;,&quot;Book&quot;)'
  const xml = `<sheetData><row r="1"><c r="A1" t="str"><f>${link}</f><v>Book</v></c><c r="B1"><f>1+1</f><v>2</v></c><c r="C1" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="D1" t="inlineStr"><is><t>Mail us</t></is></c></row></sheetData><hyperlinks><hyperlink ref="D1" r:id="h"/></hyperlinks>`
  const links = [{ id: 'h', type: 'hyperlink', target: 'mailto:a@example.org', isExternal: true }]
  t.strictSame(await texts(xlsx([{ name: 'Sheet1', xml, links }])), [
    '| [Book](https://example.org/book) | 2 | [Mail us](mailto:a@example.org) |',
  ])
})

t.test(
  'tables below each other: one with a header of its own has it, the rest of a table has that of the table',
  async t => {
    const rows = [['City', 'Fee'], ['Oslo', 5], [], ['Bergen', 6], [], ['Stand', 'Length'], ['A', 12]]
    t.strictSame(await texts(xlsx([{ name: 'Sheet1', xml: sheetData(rows) }])), [
      '| City | Fee |\n| Oslo | 5 |',
      '| City | Fee |\n| Bergen | 6 |',
      '| Stand | Length |\n| A | 12 |',
    ])
  },
)

t.test('a header of two rows is joined; a row merged over the whole width divides the table', async t => {
  const rows = [
    ['Region', '2026', null],
    [null, 'Q1', 'Q2'],
    ['North', 1, 2],
    ['Abroad', null, null],
    ['Spain', 3, 4],
  ]
  const areas = ['A1:A2', 'B1:C1', 'A4:C4'].map(ref => `<mergeCell ref="${ref}"/>`)
  const xml = `${sheetData(rows)}<mergeCells>${areas.join('')}</mergeCells>`
  t.strictSame(await texts(xlsx([{ name: 'Sheet1', xml }])), [
    '| Region | 2026 Q1 | 2026 Q2 |\n| North | 1 | 2 |',
    'Abroad',
    '| Region | 2026 Q1 | 2026 Q2 |\n| Spain | 3 | 4 |',
  ])
})

t.test('cells far apart and merged areas over the whole sheet stay small', async t => {
  const cells = Array.from(
    { length: 200 },
    (_, i) =>
      `<row r="${i * 5000 + 1}"><c r="A${i * 5000 + 1}"><v>${i}</v></c><c r="XFD${i * 5000 + 1}"><v>${i}</v></c></row>`,
  )
  const xml = `<sheetData>${cells.join('')}</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>`
  t.ok((await texts(xlsx([{ name: 'Sheet1', xml }]))).join('').length < 20_000)
})

t.test('hundreds of thousands of empty rows are read as nothing', async t => {
  const xml = `<sheetData>${'<row><c s="0"/></row>'.repeat(300_000)}</sheetData>`
  t.strictSame(await texts(xlsx([{ name: 'Sheet1', xml }])), [])
  const table =
    '<table:table table:name="a"><table:table-row table:number-rows-repeated="1000000000"><table:table-cell table:number-columns-repeated="1000000000"/></table:table-row></table:table>'
  t.strictSame((await readOds(ods(table))).blocks, [])
})

function ods(table: string): Buffer {
  const names = ['office', 'table', 'text'].map(
    name => `xmlns:${name}="urn:oasis:names:tc:opendocument:xmlns:${name}:1.0"`,
  )
  return archive({
    mimetype: 'application/vnd.oasis.opendocument.spreadsheet',
    'content.xml': `<office:document-content ${names.join(' ')}><office:body><office:spreadsheet>${table}</office:spreadsheet></office:body></office:document-content>`,
  })
}

t.test('a cell that is repeated over millions of cells is an error, and a comment is not text', async t => {
  const cell =
    '<table:table-cell office:value-type="string" table:number-columns-repeated="10000"><text:p>x</text:p></table:table-cell>'
  const row = `<table:table-row table:number-rows-repeated="1000000">${cell}</table:table-row>`
  await t.rejects(readOds(ods(`<table:table>${row}</table:table>`)), {
    message: /^has more than 1,000,000 filled cells/,
  })
  const commented =
    '<table:table-cell office:value-type="string"><office:annotation><text:p>secret</text:p></office:annotation><text:p>shown</text:p></table:table-cell>'
  const { blocks } = await readOds(
    ods(`<table:table table:name="Sheet1"><table:table-row>${commented}</table:table-row></table:table>`),
  )
  t.strictSame(
    blocks.map(({ text }) => text),
    ['shown'],
  )
})

t.test('what cannot be read says why', async t => {
  const locked = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.from('EncryptedPackage', 'utf16le')])
  await t.rejects(readXlsx(locked), { message: 'is protected by a password; remove it first' })
  await t.rejects(readXlsx(Buffer.from('d0cf11e0a1b11ae1', 'hex')), {
    message: /older binary format; save it as an Excel/,
  })
  const damaged = { message: 'is damaged or not an Excel workbook (.xlsx)' }
  await t.rejects(readXlsx(Buffer.from('no')), damaged)
  await t.rejects(readXlsx(archive({ 'a.xml': '<a/>' })), damaged)
  const whole = xlsx([{ name: 'Sheet1', xml: sheetData([['a', 'b']]) }])
  await t.rejects(readXlsx(whole.subarray(0, whole.length - 40)), damaged)
  await t.rejects(readXlsx(xlsx([{ name: 'Sheet1', xml: '<sheetData><row>' }])), damaged)
  const encrypted = archive({
    'META-INF/manifest.xml': '<manifest><file-entry><encryption-data/></file-entry></manifest>',
  })
  await t.rejects(readOds(encrypted), { message: 'is protected by a password; remove it first' })
  const folder = t.testdir({ 'empty.xlsx': xlsx([{ name: 'Sheet1', xml: '<sheetData/>' }]) })
  t.strictSame((await readFile(`${folder}/empty.xlsx`)).faults, ['has no text'])
})
