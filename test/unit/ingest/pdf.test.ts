import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Content } from '../../../src/ingest/readers/content.ts'
import { readPdf } from '../../../src/ingest/readers/pdf/pdf.ts'
import { placedPdf, type MadePage, type Placed } from '../../support/pdf-pages.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/documents/pdf')
const fixture = (name: string): Promise<Content> => readPdf(readFileSync(join(fixtures, name)))
const textOf = ({ blocks }: Content): string => blocks.map(({ text }) => text).join('\n\n')
const read = async (...pages: readonly MadePage[]): Promise<string> => textOf(await readPdf(placedPdf(pages)))

/** Texts one under the other. */
function column(texts: readonly string[], x: number, y = 700, step = 14): Placed[] {
  return texts.map((text, i) => ({ text, at: [x, y - i * step] }))
}

const left = [
  'The kiln was built where the lane',
  'meets the river, because the clay',
  'was good and boats could carry the',
  'bricks to the town. It burned for',
  'forty years without a break and',
  'was then replaced by another.',
]
const right = [
  'The second one stood until the',
  'flood. Its bricks were used for the',
  'school, the bridge and the wall',
  'that still runs along the lane, and',
  'some carry the mark of the mason',
  'who made them by hand.',
]

t.test('CJK text of fonts that are not embedded', async t => {
  t.match(textOf(await fixture('noembed-sjis.pdf')), 'あいうえお')
  t.match(textOf(await fixture('noembed-eucjp.pdf')), 'あいうえお')
  t.equal(textOf(await fixture('vertical.pdf')), 'あいうえお\n日本語', 'lines that run downwards')
})

t.test('an export of a word processor: raised digits, links, a table over two pages, short lines', async t => {
  const { blocks, title } = await fixture('works.pdf')
  const text = textOf({ blocks })
  t.equal(title, 'Mill Lane Works')
  t.match(text, 'makes 10⁶ bricks a year under Article 74¹ of the act. The kiln is cooled with H₂O from the river')
  t.match(text, '[Book a visit](https://example.org/visits) at least one week')
  t.match(text, '| Course 5 | 335 euros | paid in two parts, in March and in September, by bank transfer |\n')
  const tables = blocks.filter(block => block.text.startsWith('| Course | Fee | Note |\n'))
  t.strictSame(
    tables.map(block => 'page' in block && block.page),
    [1, 2],
  )
  t.equal(text.match(/\| Course \| Fee/g)?.length, 2, 'each part has the header once')
  t.match(text, 'Ann Lee\nBob Ray\nCid Roe')
})

t.test('columns are read one after the other, however they are drawn', async t => {
  const title = { text: 'A history of the works', at: [60, 760], size: 18 } as const
  const [first, second] = [column(left, 60), column(right, 320)]
  const expected = `A history of the works\n\n${left.join(' ')}\n\n${right.join(' ')}`
  t.equal(await read({ texts: [title, ...first, ...second] }), expected, 'by column')
  t.equal(await read({ texts: [title, ...first.flatMap((line, i) => [line, second[i]!])] }), expected, 'by row')
  const lower = second.map(({ text, at: [x, y] }): Placed => ({ text, at: [x, y - 5] }))
  t.equal(await read({ texts: [title, ...first.flatMap((line, i) => [line, lower[i]!])] }), expected, 'not aligned')
})

t.test('a table: rows are rows, and lines within a cell are joined', async t => {
  const rows = [
    ['Item', 'Price', 'Note'],
    ['Tent', '249', 'two people'],
    ['Stove', '38', 'gas not included; bought'],
    ['', '', 'at the desk'],
    ['Lamp', '', 'a|b'],
  ]
  const texts = rows.flatMap((cells, i) =>
    cells.flatMap((text, j): Placed[] => (text === '' ? [] : [{ text, at: [60 + j * 120, 700 - i * 15] }])),
  )
  const expected =
    '| Item | Price | Note |\n| Tent | 249 | two people |\n| Stove | 38 | gas not included; bought at the desk |\n| Lamp |  | a/b |'
  t.equal(await read({ texts }), expected)
  const byColumn = [0, 1, 2].flatMap(j => texts.filter(({ at: [x] }) => x === 60 + j * 120))
  t.equal(await read({ texts: byColumn }), expected, 'drawn by column')
})

t.test('short lines stay lines, wrapped ones are joined', async t => {
  const names = ['Fire brigade: 112', 'Caretaker: 4455', 'Lift repair: 6677']
  t.equal(await read({ texts: column(names, 60) }), names.join('\n'))
  const contents = ['Arrival ............................ 3', 'Meals and drinks ........... 12']
  t.equal(await read({ texts: column(contents, 60) }), 'Arrival … 3\nMeals and drinks … 12')
  const items = ['\u2022 bring a passport and the letter that', 'you got from us', '\u2022 come early']
  t.equal(
    await read({
      texts: column(
        items.map(item => item.replace('\u2022', '\x95')),
        60,
      ),
    }),
    '- bring a passport and the letter that you got from us\n- come early',
  )
})

t.test('headings: larger fonts that are rare, or what the bookmarks name', async t => {
  const { blocks } = await fixture('works.pdf')
  t.strictSame(
    blocks.flatMap(block => (block.kind === 'heading' ? [[block.level, block.text, block.page]] : [])),
    [
      [1, 'Mill Lane Works', 1],
      [2, 'Fees', 1],
      [2, 'Whom to call', 2],
      [2, 'History', 2],
    ],
  )
  const texts: Placed[] = [
    { text: 'Opening hours', at: [60, 740], size: 16 },
    ...column(left, 60),
    { text: 'A whole sentence in a larger font, which no heading is.', at: [60, 600], size: 14 },
    { text: '1.2 Visits', at: [60, 570] },
    ...column(right, 60, 540),
  ]
  const headings = async (catalog: string, objects: readonly string[]): Promise<unknown[]> =>
    (await readPdf(placedPdf([{ texts }], catalog, objects))).blocks.flatMap(block =>
      block.kind === 'heading' ? [[block.level, block.text]] : [],
    )
  t.strictSame(await headings('', []), [[1, 'Opening hours']])
  // Objects 4 to 6, after the catalog, the pages and the font.
  const outline = [
    '<</First 5 0 R/Last 6 0 R>>',
    '<</Title(Opening hours)/Next 6 0 R>>',
    '<</Title(1.2. Visits)/Next 5 0 R>>',
  ]
  t.strictSame(
    await headings('/Outlines 4 0 R', outline),
    [
      [1, 'Opening hours'],
      [1, '1.2 Visits'],
    ],
    'bookmarks that refer to each other',
  )
})

t.test('headers and footers are left out, but not what similar pages share', async t => {
  const page = (i: number): MadePage => ({
    texts: [
      { text: `Water works ${i + 10}`, at: [60, 800] },
      { text: 'This form is for one household.', at: [60, 740] },
      { text: `Reading of ${['June', 'July', 'August', 'May'][i]}`, at: [60, 600] },
      { text: `${i < 2 ? 'Meters' : 'Prices'} | ${i + 10}`, at: [60, 40] },
    ],
  })
  t.equal(
    await read(page(0), page(1), page(2), page(3)),
    'This form is for one household.\n\nReading of June\n\nMeters | 10\n\nReading of July\n\nMeters | 11\n\nReading of August\n\nPrices | 12\n\nReading of May\n\nPrices | 13',
  )
  const book = ['Meters', 'Meters', 'Meters', 'Prices', 'Prices', 'Prices', 'Costs'].map((name, i): MadePage => ({
    texts: [
      { text: `Text of page ${'abcdefg'[i]}.`, at: [60, 700] },
      { text: `${i + 10} ${name}`, at: [60, 40] },
    ],
  }))
  t.match(
    await read(...book),
    'page a.\n\nText of page b.\n\nText of page c.\n\nText of page d.',
    'chapters with numbers',
  )
})

t.test('text in other directions is read by itself', async t => {
  const side = { text: 'Printed in 2026', at: [30, 300], turn: 90 } as const
  t.equal(await read({ texts: [side, ...column(left, 60)] }), `${left.join(' ')}\n\nPrinted in 2026`)
  t.match(textOf(await fixture('rotation.pdf')), 'This is my second page. It will have a landscape layout.')
})

t.test('raised and lowered digits', async t => {
  const texts: Placed[] = [
    { text: 'Up to 11', at: [60, 700] },
    { text: '50', at: [101.3, 704], size: 7 },
    { text: ' euros for CO', at: [109.1, 700] },
    { text: '2', at: [176.2, 698], size: 7 },
    { text: ' and the 21', at: [180.1, 700] },
    { text: 'st', at: [233.4, 704], size: 7 },
  ]
  t.equal(await read({ texts }), 'Up to 11⁵⁰ euros for CO₂ and the 21st')
})

t.test('links: an address that the text shows is not repeated', async t => {
  const link = (url: string, [x, y]: readonly [number, number], width: number): string =>
    `/Subtype/Link/Rect[${x} ${y - 3} ${x + width} ${y + 10}]/A<</S/URI/URI(${url})>>`
  const text = await read({
    texts: [
      { text: 'Please write to the desk today.', at: [60, 700] },
      { text: 'www.example.org', at: [60, 660] },
    ],
    annotations: [link('mailto:desk@example.org', [131, 700], 43), link('https://www.example.org/', [60, 660], 90)],
  })
  t.equal(text, 'Please write to [the desk](mailto:desk@example.org) today.\n\nwww.example.org')
  const bad = link('javascript:alert\\(1\\)', [60, 700], 100)
  t.equal(await read({ texts: [{ text: 'Press here', at: [60, 700] }], annotations: [bad] }), 'Press here')
})

t.test('forms: values after their labels, passwords and hidden fields left out', async t => {
  const field = (dictionary: string, [x, y]: readonly [number, number], width = 200): string =>
    `/Subtype/Widget${dictionary}/Rect[${x} ${y - 4} ${x + width} ${y + 12}]`
  const annotations = [
    field('/FT/Tx/T(a)/V(Ada Marlowe)', [200, 700]),
    field('/FT/Ch/Ff 131072/T(b)/Opt[[(v)(vegan meal)][(w)(any)]]/V(v)', [200, 680]),
    field('/FT/Btn/T(c)/V/Yes/AS/Yes', [200, 660], 12),
    field('/FT/Btn/T(d)/V/Off/AS/Off', [60, 640], 12),
    field('/FT/Tx/Ff 8192/T(e)/V(secret)', [200, 620]),
    field('/FT/Tx/F 2/T(f)/V(hidden)', [200, 600]),
    field('/FT/Tx/T(g)/TU(Phone)/V(4455)', [60, 560]),
  ]
  const texts = [
    ...column(['Name:', 'Meal', 'Parking wanted:'], 60, 700, 20),
    { text: 'Quiet room', at: [80, 640] },
    { text: 'Password:', at: [60, 620] },
  ] satisfies Placed[]
  t.equal(
    await read({ texts, annotations }),
    'Name: Ada Marlowe\nMeal: vegan meal\nParking wanted: [x]\n[ ] Quiet room\nPassword:\n\nPhone: 4455',
  )
  t.equal(await read({ annotations: annotations.slice(-1) }), 'Phone: 4455', 'a file of fields only')
  t.match(textOf(await fixture('annotation-button-widget.pdf')), '[x] Check box, checked')
})

t.test('what is not read is said', async t => {
  const scan: MadePage = { content: 'q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q' }
  const text: MadePage = { texts: [{ text: 'A page with text on it.', at: [60, 700] }] }
  const blank: MadePage = { content: '0.1 w 10 10 500 700 re S' }
  const { warnings, blocks } = await readPdf(placedPdf([text, scan, blank, scan, scan, scan]))
  t.match(warnings, [/^pages 2, 4–6 are scans/])
  t.equal(blocks.length, 1)
  await t.rejects(readPdf(placedPdf([scan, scan])), /^has no text, because its pages are scans/)
  await t.rejects(readPdf(placedPdf([blank])), { message: 'has no text' })
  t.match((await fixture('xfa_issue14315.pdf')).warnings, [/XFA form, whose fields are not read/])
})

t.test('a page that draws itself through a pattern ends, and the text of other pages is read', async t => {
  const form = '/Do4 Do'
  const pattern = (name: string) => `/Pattern cs /${name} scn 0 0 9 9 re f`
  const object = (entries: string, content: string) =>
    `<<${entries}/Length ${content.length}>>stream\n${content}\nendstream`
  const more = [
    object('/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</Pattern<</P5 5 0 R>>>>', pattern('P5')),
    object(
      '/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 9 9]/XStep 9/YStep 9/Resources<</XObject<</Do4 4 0 R>>>>',
      form,
    ),
  ]
  const endless: MadePage = { content: form, resources: '/XObject<</Do4 4 0 R>>' }
  const text: MadePage = { texts: [{ text: 'Words of this page.', at: [60, 700] }] }
  const { warnings, blocks } = await readPdf(placedPdf([text, endless, endless, text], '', more))
  t.equal(blocks.length, 2)
  t.match(warnings, [/^pages 2, 3 are scans/])
})

t.test('text recognition reads scanned pages, with tables, from local data only', async t => {
  const picture = { jpeg: readFileSync(join(fixtures, 'scan.jpg')), width: 827, height: 1169 }
  const file = placedPdf([{ texts: [{ text: 'Cover page', at: [60, 700] }] }, { picture }])
  const ocr = { languages: ['eng'], data: undefined, cpuSeconds: 60 }
  const { blocks, metadata, warnings } = await readPdf(file, { ocr })
  t.strictSame(
    blocks.map(block => ('page' in block ? [block.page, block.text] : [])),
    [
      [1, 'Cover page'],
      [2, 'Our museum is closed on Sundays and on all public holidays. A ticket costs 12 euros.'],
      [2, '| Tent | 249 |\n| Stove | 38 |\n| Lamp | 17 |'],
    ],
  )
  t.strictSame({ metadata, warnings }, { metadata: { recognized_pages: [2] }, warnings: [] })
  t.match((await readPdf(file)).warnings, [/^page 2 is a scan .* set OCR_LANGUAGES$/])
  const missing = { ...ocr, languages: ['xyz'] }
  t.match((await readPdf(file, { ocr: missing })).warnings, [/no data for the language "xyz".*@tesseract.js-data\/xyz/])
  const short = { ...ocr, cpuSeconds: 0 }
  t.match((await readPdf(file, { ocr: short })).warnings, [/^page 2 .* raise PREPARE_CPU_SECONDS/])
})

t.test('hostile files end, with what can be read', async t => {
  const far: Placed[] = [
    { text: 'far', at: [1e30, 700] },
    { text: 'large', at: [60, 500], size: 1e20 },
    { text: 'near', at: [60, 300] },
  ]
  t.match(await read({ texts: far }), 'near')
  const dense = Array.from({ length: 52_000 }, (_, i) => `1 0 0 1 ${(i * 37) % 590} ${(i * 91) % 840} Tm(${i % 10}a)Tj`)
  const { warnings } = await readPdf(placedPdf([{ content: `BT /F1 2 Tf ${dense.join('\n')} ET` }]))
  t.match(warnings, [/^page 1 has more text than is read/])
  const many = Array.from({ length: 200 }, (_, i): MadePage => ({ texts: [{ text: `Page of ${i}`, at: [60, 700] }] }))
  t.match(await read(...many), 'Page of 199')
  const links = Array.from({ length: 800 }, () => '/Subtype/Link/Rect[0 0 595 842]/A<</S/URI/URI(https://a.example/)>>')
  t.match(await read({ texts: column(left, 60), annotations: links }), '](https://a.example/)')
})
