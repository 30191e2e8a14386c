import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { UnreadableError } from '../../../src/ingest/readers/content.ts'
import { docxBlocks, readDocx } from '../../../src/ingest/readers/word/docx.ts'
import { flowHtml } from '../../../src/ingest/readers/word/flow.ts'
import { paragraph, run, wordFile, type WordParts } from '../../support/word.ts'
import { zip } from '../../support/zip.ts'

/** The HTML that the HTML reader gets. */
async function html(parts: WordParts | string): Promise<string> {
  const blocks = await docxBlocks(wordFile(typeof parts === 'string' ? { body: parts } : parts))
  return flowHtml(blocks).replace(/^<body>|<\/body>$/g, '')
}

const raised = '<w:vertAlign w:val="superscript"/>'

t.test('raised and lowered runs, also by style; divided runs are joined', async t => {
  const lowered = '<w:vertAlign w:val="subscript"/>'
  t.equal(
    await html(paragraph(run('11') + run('5', raised) + run('0', raised) + run(' euros'))),
    '<p>11<sup>50</sup> euros</p>',
  )
  t.equal(await html(paragraph(run('H') + run('2', lowered) + run('O'))), '<p>H<sub>2</sub>O</p>')
  const styles = `<w:style w:type="character" w:styleId="up"><w:name w:val="Up"/><w:rPr>${raised}</w:rPr></w:style>`
  const body = paragraph(
    run('10') + run('6', '<w:rStyle w:val="up"/>') + run('7', `<w:rStyle w:val="up"/><w:vertAlign w:val="baseline"/>`),
  )
  t.equal(await html({ styles, body }), '<p>10<sup>6</sup>7</p>')
})

t.test('deleted, moved and hidden text and comments are left out, inserted text is not', async t => {
  const changed = `<w:del><w:r><w:delText>20</w:delText></w:r></w:del><w:ins>${run('25')}</w:ins><w:moveFrom>${run('old')}</w:moveFrom>`
  const hidden = run('secret', '<w:vanish/>') + run(' shown', '<w:vanish w:val="0"/>')
  const comment = '<w:commentRangeStart w:id="1"/><w:r><w:commentReference w:id="1"/></w:r>'
  t.equal(await html(paragraph(run('Fee: ') + changed + hidden + comment)), '<p>Fee: 25 shown</p>')
  const joined = paragraph(run('One '), '<w:rPr><w:del w:id="1"/></w:rPr>') + paragraph(run('line'))
  t.equal(await html(joined), '<p>One line</p>', 'a deleted paragraph end')
  const row = (cell: string, look = '') =>
    `<w:tr><w:trPr>${look}</w:trPr><w:tc>${paragraph(run(cell))}</w:tc><w:tc><w:p/></w:tc></w:tr>`
  t.equal(
    await html(`<w:tbl>${row('kept')}${row('gone', '<w:del w:id="2"/>')}</w:tbl>`),
    '<table><tr><td>kept</td><td></td></tr></table>',
  )
})

t.test('merged cells and header rows', async t => {
  const cell = (text: string, look = '') => `<w:tc><w:tcPr>${look}</w:tcPr>${paragraph(run(text))}</w:tc>`
  const row = (inner: string, look = '') => `<w:tr><w:trPr>${look}</w:trPr>${inner}</w:tr>`
  const wide = '<w:gridSpan w:val="2"/>'
  const body = [
    row(cell('House') + cell('Rent', wide), '<w:tblHeader/>'),
    row(cell('Oak', '<w:vMerge w:val="restart"/>') + cell('single') + cell('310')),
    row(cell('', '<w:vMerge/>') + cell('double') + cell('190')),
    row(cell('single') + cell('90'), '<w:gridBefore w:val="1"/>'),
  ]
  t.equal(
    await html(`<w:tbl>${body.join('')}</w:tbl>`),
    '<table><tr><th>House</th><th colspan="2">Rent</th></tr>' +
      '<tr><td rowspan="2">Oak</td><td>single</td><td>310</td></tr><tr><td>double</td><td>190</td></tr>' +
      '<tr><td></td><td>single</td><td>90</td></tr></table>',
  )
})

t.test('a table of one column is a frame: its headings and lists stay', async t => {
  const styles = '<w:style w:type="paragraph" w:styleId="h"><w:name w:val="heading 1"/></w:style>'
  const body = `<w:tbl><w:tr><w:tc>${paragraph(run('Notice'), '<w:pStyle w:val="h"/>')}${paragraph(run('Closed.'))}</w:tc></w:tr></w:tbl>`
  t.equal(await html({ styles, body }), '<h1>Notice</h1><p>Closed.</p>')
})

const fieldChar = (type: string, inner = '') => `<w:r><w:fldChar w:fldCharType="${type}">${inner}</w:fldChar></w:r>`
const field = (code: string, result: string, form = '') =>
  fieldChar('begin', form) +
  `<w:r><w:instrText>${code}</w:instrText></w:r>` +
  fieldChar('separate') +
  result +
  fieldChar('end')

t.test('links by relationship and by field; links within the document are their text', async t => {
  const links = { a: 'https://example.org/?x=1&amp;y=2' }
  const body =
    paragraph(`<w:hyperlink r:id="a">${run('Book')}</w:hyperlink>`) +
    paragraph(field(' HYPERLINK "mailto:desk@example.org" ', run('the desk'))) +
    paragraph(field(' HYPERLINK \\l "part2" ', run('part 2'))) +
    paragraph(`<w:fldSimple w:instr="HYPERLINK &quot;tel:+7701&quot;">${run('call')}</w:fldSimple>`)
  t.equal(
    await html({ links, body }),
    '<p><a href="https://example.org/?x=1&amp;y=2">Book</a></p><p><a href="mailto:desk@example.org">the desk</a></p>' +
      '<p>part 2</p><p><a href="tel:+7701">call</a></p>',
  )
})

t.test('filled fields and controls keep their values, placeholders are left out', async t => {
  const control = (properties: string, inner: string) =>
    `<w:sdt><w:sdtPr>${properties}</w:sdtPr><w:sdtContent>${inner}</w:sdtContent></w:sdt>`
  const checked = '<w:ffData><w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox></w:ffData>'
  const choice =
    '<w:ffData><w:ddList><w:result w:val="1"/><w:listEntry w:val="day"/><w:listEntry w:val="night"/></w:ddList></w:ffData>'
  const body =
    paragraph(run('Name: ') + control('', run('Dana'))) +
    paragraph(run('Age: ') + control('<w:showingPlcHdr/>', run('Click here'))) +
    paragraph(run('Member: ') + field(' FORMCHECKBOX ', '', checked)) +
    paragraph(run('Shift: ') + field(' FORMDROPDOWN ', '', choice)) +
    paragraph(run('Room: ') + field(' FORMTEXT ', run('204')))
  t.equal(await html(body), '<p>Name: Dana</p><p>Age: </p><p>Member: ☒</p><p>Shift: night</p><p>Room: 204</p>')
})

t.test('a note follows its paragraph, and its mark does not join a number', async t => {
  const footnotes =
    '<w:footnote w:type="separator" w:id="0"><w:p/></w:footnote>' +
    `<w:footnote w:id="2">${paragraph(run('By the census.'))}</w:footnote>`
  const body = paragraph(run('Founded in 1954') + `<w:r><w:rPr>${raised}</w:rPr><w:footnoteReference w:id="2"/></w:r>`)
  t.equal(await html({ footnotes, body }), '<p>Founded in 1954</p><p><sup>1</sup> By the census.</p>')
  const again = await html({ footnotes, body: body + body })
  t.equal(again.split('By the census.').length, 2, 'a note is read once, however often it is referred to')
})

t.test('text boxes are read once, pictures by their description', async t => {
  const box = `<w:txbxContent>${paragraph(run('Boxed.'))}</w:txbxContent>`
  const drawing = `<w:drawing><wps:wsp><wps:txbx>${box}</wps:txbx></wps:wsp></w:drawing>`
  const body = paragraph(
    `${run('Before.')}<w:r><mc:AlternateContent><mc:Choice>${drawing}</mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>${box}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>`,
  )
  t.equal(await html(body), '<p>Before.</p><p>Boxed.</p>')
})

t.test('headings by outline level and by names of other languages; a table of contents is left out', async t => {
  const style = (id: string, name: string) =>
    `<w:style w:type="paragraph" w:styleId="${id}"><w:name w:val="${name}"/></w:style>`
  const styles = style('a', 'Заголовок 2') + style('c', 'toc 1') + style('t', 'Title')
  const styled = (id: string, text: string) => paragraph(run(text), `<w:pStyle w:val="${id}"/>`)
  const body =
    styled('t', 'Guide') +
    styled('c', 'Rules 3') +
    `<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr><w:sdtContent>${paragraph(run('Contents'))}</w:sdtContent></w:sdt>` +
    paragraph(run('Rules'), '<w:outlineLvl w:val="0"/>') +
    styled('a', 'Сроки') +
    paragraph(run('Text.'), '<w:outlineLvl w:val="9"/>')
  t.equal(await html({ styles, body }), '<h1>Guide</h1><h2>Rules</h2><h3>Сроки</h3><p>Text.</p>')
})

t.test('a title in two paragraphs is one', async t => {
  const styles = '<w:style w:type="paragraph" w:styleId="t"><w:name w:val="Title"/></w:style>'
  const title = (text: string) => paragraph(run(text), '<w:pStyle w:val="t"/>')
  t.equal(await html({ styles, body: title('Rules') + title('of the college') }), '<h1>Rules of the college</h1>')
})

t.test('symbols, formulas, and a paragraph in bold', async t => {
  const formula =
    '<m:oMath><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>' +
    '<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath>'
  const symbol = '<w:r><w:sym w:font="Wingdings" w:char="F0E0"/></w:r>'
  t.equal(await html(paragraph(run('Go ') + symbol + formula)), '<p>Go 🡪x<sup>2</sup>a/b</p>')
  t.equal(await html(paragraph(run('\uf061', '<w:rFonts w:ascii="Symbol"/>'))), '<p>α</p>')
  t.equal(await html(paragraph(run('Who pays?', '<w:b/>'))), '<p><strong>Who pays?</strong></p>')
  t.equal(await html(paragraph(run('Who', '<w:b/>') + run(' pays?'))), '<p>Who pays?</p>')
})

async function faultOf(bytes: Buffer): Promise<string> {
  const error: unknown = await readDocx(bytes).then(
    () => new Error('was read'),
    caught => caught as UnreadableError,
  )
  return (error as Error).message
}

t.test('what cannot be read says why', async t => {
  const container = Buffer.from('d0cf11e0a1b11ae1', 'hex')
  const locked = Buffer.concat([container, Buffer.from('EncryptedPackage', 'utf16le')])
  t.match(await faultOf(locked), /is protected by a password/)
  t.match(await faultOf(container), /older binary format; save it as/)
  t.match(await faultOf(wordFile({ body: paragraph(run('x')) }).subarray(0, 300)), /is damaged or not a Word document/)
  t.match(await faultOf(zip({ 'a.txt': Buffer.from('a') })), /is damaged or not a Word document/)
  t.equal(await faultOf(wordFile({ body: '<w:p/>' })), 'has no text')
})

t.test('hostile documents end: deep nesting, entities, a bomb, spans, names of methods', async t => {
  const deep = '<w:tbl><w:tr><w:tc>'.repeat(20_000)
  t.match(await faultOf(wordFile({ body: deep })), /nested too deeply/)
  const entity = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><w:document xmlns:w="w">&b;</w:document>'
  t.match(await faultOf(zip({ 'word/document.xml': Buffer.from(entity) })), /is damaged/)
  t.match(await faultOf(wordFile({ body: paragraph(run('a '.repeat(20_000_000))) })), /unpacks to far more/)
  const wide = `<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr>${paragraph(run('a'))}</w:tc><w:tc>${paragraph(run('b'))}</w:tc></w:tr></w:tbl>`
  t.match((await readDocx(wordFile({ body: wide }))).blocks, [{ text: /a.*b/ }])
  t.equal(
    await html(`<constructor/>${paragraph('<toString/>' + run('a', '<w:vertAlign w:val="constructor"/>'))}`),
    '<p>a</p>',
  )
})

t.test('documents that Word wrote', async t => {
  const folder = fileURLToPath(new URL('../../fixtures/documents/mammoth/', import.meta.url))
  const text = async (name: string) => (await readDocx(readFileSync(folder + name))).blocks.map(block => block.text)
  t.match(
    flowHtml(await docxBlocks(readFileSync(folder + 'footnote-hyperlink.docx'))),
    '<a href="http://www.example.com">Example</a>',
  )
  t.match(await text('footnotes.docx'), ['Ouch.', /A tachyon walks into a bar\.$/, /Fin\.$/])
  t.strictSame(await text('text-box.docx'), ['Datum plane'])
  t.strictSame(await text('strict-format.docx'), ['Test'])
  t.strictSame(await text('tables.docx'), [
    'Above',
    '| Top left | Top right |\n| Bottom left | Bottom right |',
    'Below',
  ])
})
