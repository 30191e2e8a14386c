import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { docxBlocks } from '../../../src/ingest/readers/word/docx.ts'
import { odtBlocks, readOdt } from '../../../src/ingest/readers/word/odt.ts'
import { flowHtml } from '../../../src/ingest/readers/word/flow.ts'
import { rtfBlocks } from '../../../src/ingest/readers/word/rtf-reader.ts'
import { zip } from '../../support/zip.ts'

const names = 'office text table style draw'.split(' ')
const namespaces = [
  ...names.map(name => `xmlns:${name}="urn:oasis:names:tc:opendocument:xmlns:${name}:1.0"`),
  'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"',
  'xmlns:loext="urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0"',
  'xmlns:xlink="http://www.w3.org/1999/xlink"',
].join(' ')

/** A document in one file. */
function flat(body: string, styles = ''): Buffer {
  return Buffer.from(
    `<?xml version="1.0"?><office:document ${namespaces}><office:styles>${styles}</office:styles><office:body><office:text>${body}</office:text></office:body></office:document>`,
  )
}

async function html(body: string, styles = ''): Promise<string> {
  return flowHtml(await odtBlocks(flat(body, styles))).replace(/^<body>|<\/body>$/g, '')
}

async function lines(body: string, styles = ''): Promise<string[]> {
  return (await readOdt(flat(body, styles))).blocks.flatMap(({ text }) => text.split('\n'))
}

const numbered = (at: number, attributes: string) => `<text:list-level-style-number text:level="${at}" ${attributes}/>`
const listStyle = (name: string, levels: string) => `<text:list-style style:name="${name}">${levels}</text:list-style>`
const item = (text: string, inner = '', attributes = '') =>
  `<text:list-item ${attributes}><text:p>${text}</text:p>${inner}</text:list-item>`
const list = (inner: string, attributes = '') => `<text:list text:style-name="L" ${attributes}>${inner}</text:list>`

t.test('lists: formats, levels shown, start values, lists that continue', async t => {
  const styles = listStyle(
    'L',
    numbered(1, 'style:num-format="1" style:num-suffix="." text:start-value="3"') +
      numbered(2, 'style:num-format="a" style:num-suffix=")" text:display-levels="2"') +
      '<text:list-level-style-bullet text:level="3" text:bullet-char="•"/>',
  )
  const inner = item('a', `<text:list>${item('b', `<text:list>${item('c')}</text:list>`)}</text:list>`)
  t.strictSame(await lines(list(inner + item('d', '', 'text:start-value="9"')), styles), [
    '3. a',
    '  3.a) b',
    '    - c',
    '9. d',
  ])
  const resumed =
    list(item('a'), 'xml:id="one"') +
    '<text:p>text</text:p>' +
    list(item('b'), 'text:continue-list="one"') +
    list(item('x')) +
    list(item('y'), 'text:continue-numbering="true"')
  t.strictSame(await lines(resumed, styles), ['3. a', 'text', '4. b', '3. x', '4. y'])
})

t.test('lists: the pattern of newer versions, further paragraphs, unnumbered headers', async t => {
  const styles = listStyle(
    'L',
    numbered(1, 'style:num-format="I" loext:num-list-format="Article %1%:"') +
      numbered(2, 'style:num-format="01, 02, 03, ..." loext:num-list-format="%1%-%2%"'),
  )
  const body = list(
    `<text:list-header><text:p>Steps</text:p></text:list-header>${item('a', '<text:p>more</text:p>')}${item('b', `<text:list>${item('c')}</text:list>`)}`,
  )
  t.strictSame(await lines(body, styles), ['Steps', 'Article I: a', '  more', 'Article II: b', '  II-01 c'])
})

t.test('headings are numbered by the outline', async t => {
  const styles =
    '<text:outline-style style:name="Outline"><text:outline-level-style text:level="1" style:num-format="1"/>' +
    '<text:outline-level-style text:level="2" style:num-format="1" text:display-levels="2"/></text:outline-style>' +
    '<style:style style:name="plain" style:family="paragraph" style:list-style-name=""/>'
  const heading = (at: number, text: string, more = '') => `<text:h text:outline-level="${at}" ${more}>${text}</text:h>`
  const body =
    heading(1, 'One') + heading(1, 'Note', 'text:style-name="plain"') + heading(1, 'Two') + heading(2, 'Fees')
  t.equal(await html(body, styles), '<h1>1 One</h1><h1>Note</h1><h1>2 Two</h1><h2>2.1 Fees</h2>')
})

t.test(
  'what is shown: position, hidden text, changes, notes, links, boxes; comments and contents are left out',
  async t => {
    const style = (name: string, properties: string) =>
      `<style:style style:name="${name}" style:family="text"><style:text-properties ${properties}/></style:style>`
    const styles =
      style('up', 'style:text-position="super 58%"') +
      style('down', 'style:text-position="-33% 58%"') +
      style('gone', 'text:display="none"')
    const span = (name: string, text: string) => `<text:span text:style-name="${name}">${text}</text:span>`
    const body =
      '<text:tracked-changes><text:changed-region text:id="c"><text:deletion><text:p>old</text:p></text:deletion></text:changed-region></text:tracked-changes>' +
      '<text:table-of-content><text:index-body><text:p>Contents</text:p></text:index-body></text:table-of-content>' +
      `<text:p>10${span('up', '6')} H${span('down', '2')}O${span('gone', ' secret')}<office:annotation><text:p>why</text:p></office:annotation></text:p>` +
      '<text:p>Fee<text:s/><text:change-start text:change-id="c"/>20<text:change-end text:change-id="c"/>25</text:p>' +
      '<text:p>In 1954<text:note><text:note-citation>7</text:note-citation><text:note-body><text:p>Census.</text:p></text:note-body></text:note></text:p>' +
      '<text:p><text:a xlink:href="mailto:a@example.org">Ask</text:a> <text:a xlink:href="#two">below</text:a></text:p>' +
      '<text:p>Map<draw:frame><svg:desc>A harbour</svg:desc><draw:text-box><text:p>Boxed</text:p></draw:text-box></draw:frame></text:p>' +
      '<text:section text:display="none"><text:p>draft</text:p></text:section>'
    t.equal(
      await html(body, styles),
      '<p>10<sup>6</sup> H<sub>2</sub>O</p><p>Fee 25</p><p>In 1954</p><p><sup>7</sup> Census.</p>' +
        '<p><a href="mailto:a@example.org">Ask</a> below</p><p>Map</p><p>A harbour</p><p>Boxed</p>',
    )
  },
)

t.test('tables: header rows and merged cells', async t => {
  const cell = (text: string, more = '') => `<table:table-cell ${more}><text:p>${text}</text:p></table:table-cell>`
  const body =
    `<table:table><table:table-header-rows><table:table-row>${cell('House', 'table:number-columns-spanned="2"')}<table:covered-table-cell/></table:table-row></table:table-header-rows>` +
    `<table:table-row>${cell('Oak', 'table:number-rows-spanned="2"')}${cell('310')}</table:table-row>` +
    `<table:table-row><table:covered-table-cell/>${cell('190')}</table:table-row></table:table>`
  t.equal(
    await html(body),
    '<table><tr><th colspan="2">House</th></tr><tr><td rowspan="2">Oak</td><td>310</td></tr><tr><td>190</td></tr></table>',
  )
})

t.test('what cannot be read says why', async t => {
  const manifest = Buffer.from('<manifest:manifest><manifest:encryption-data/></manifest:manifest>')
  await t.rejects(readOdt(zip({ 'META-INF/manifest.xml': manifest, 'content.xml': Buffer.from('x') })), {
    message: /password/,
  })
  await t.rejects(readOdt(Buffer.from('text')), { message: /is damaged or not an OpenDocument text/ })
  await t.rejects(readOdt(zip({ 'a.txt': Buffer.from('a') })), { message: /is damaged/ })
  await t.rejects(readOdt(flat('<text:p/>')), { message: 'has no text' })
  await t.rejects(readOdt(flat('<text:section>'.repeat(50_000))), { message: /nested too deeply/ })
  const loop = '<style:style style:name="a" style:family="paragraph" style:parent-style-name="a"/>'
  t.equal(await html('<text:p text:style-name="a">Text</text:p>', loop), '<p>Text</p>')
  const wide =
    '<table:table><table:table-row><table:table-cell table:number-columns-repeated="900000000"><text:p>a</text:p></table:table-cell></table:table-row></table:table>'
  t.ok((await html(wide)).length < 10_000)
})

t.test('one document, exported by LibreOffice to four formats, reads the same', async t => {
  const file = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../fixtures/documents/${name}`, import.meta.url)))
  const word = flowHtml(await docxBlocks(file('harbour.docx')))
  t.match(word, '<h2>Part 2. Berths</h2><h3>2.1 Fees</h3>')
  t.match(word, '10<sup>6</sup> grams')
  t.match(word, '<td rowspan="2">North pier</td><td>summer</td><td>40 euros</td>')
  t.match(word, '<a href="https://harbour.example.org/book">Book a berth</a> two weeks ahead.</p>')
  t.match(word, '<li data-askwell-marker="b)">its draught.</li></ul></li></ul><p>Then wait for the letter.</p>')
  t.match(word, '<li data-askwell-marker="3.">Come before noon.</li>')
  t.match(word, '<p>The deposit is 25 euros.</p><p><sup>1</sup> Paid back when the boat leaves.</p>')
  t.equal(flowHtml(await odtBlocks(file('harbour.odt'))), word)
  t.equal(flowHtml(await odtBlocks(file('harbour.fodt'))), word)
  t.equal(flowHtml(rtfBlocks(file('harbour.rtf'))), word.replaceAll('th>', 'td>'), 'RTF has no header row here')
})
