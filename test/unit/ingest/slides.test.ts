import { fileURLToPath } from 'node:url'
import t from 'tap'
import { readOdp } from '../../../src/ingest/readers/office/odp.ts'
import { readPptx } from '../../../src/ingest/readers/office/pptx.ts'
import { inReadingOrder } from '../../../src/ingest/readers/office/reading-order.ts'
import { archive, pptx, shape } from '../../support/office-files.ts'
import { readPaths } from '../../support/read-paths.ts'

const fixtures = fileURLToPath(new URL('../../fixtures/documents/', import.meta.url))

for (const name of ['course.pptx', 'course.odp']) {
  t.test(`${name}, written by LibreOffice: titles, lists, tables and notes; hidden slides are reported`, async t => {
    const results = await Array.fromAsync(readPaths([fixtures + name]))
    const [fault, read] = results as [
      { fault: { reason: string } },
      Extract<(typeof results)[0], { document: unknown }>,
    ]
    t.equal(fault.fault.reason, 'has hidden slides, which were left out: 3')
    const { title, text, sections } = read.document
    t.equal(title, 'Sailing course')
    t.match(text, /^What to bring\n\n- A life jacket\n {2}- for children with a collar\n- Shoes, see \[?our list/)
    t.match(text, /Notes: Say that jackets can be hired\./)
    t.match(text, /\| Course \| Start \|\n\| Beginners \| 4 May \|\n\n1\. Register\n2\. Pay$/)
    t.notMatch(text, /Internal/)
    t.strictSame(
      sections.map(({ headings, page }) => ({ headings, page })),
      [
        { headings: ['What to bring'], page: 1 },
        { headings: ['Dates'], page: 2 },
      ],
    )
  })
}

t.test('a file of PowerPoint: notes', async t => {
  const [read] = await Array.fromAsync(readPaths([`${fixtures}python-pptx/sld-notes.pptx`]))
  t.match(read, { document: { text: 'Slide 1\n\nNotes: Notes' } })
})

t.test('shapes are read by their place, in columns; numbers of pages and footers are not', async t => {
  const slide = [
    shape('right below', [200, 200]),
    shape('left below', [0, 200]),
    shape('right', [200, 100]),
    shape('left', [0, 100]),
    shape('7', [300, 400], 'sldNum'),
    shape('Confidential', [0, 400], 'ftr'),
    shape('The title\nof two lines', [0, 0], 'title'),
  ]
  const { blocks, title } = await readPptx(pptx([slide.join('')]))
  t.equal(title, 'The title of two lines')
  t.strictSame(
    blocks.map(({ text }) => text),
    ['The title of two lines', 'left', 'left below', 'right', 'right below'],
  )
})

t.test('a line over the whole width divides columns above it from those below', async t => {
  const box = (name: string, x: number, y: number, width = 10) => ({ name, box: { x, y, width, height: 10 } })
  const boxes = [box('d', 20, 40), box('c', 0, 40), box('line', 0, 20, 30), box('b', 20, 0), box('a', 0, 0)]
  t.equal(
    inReadingOrder(boxes)
      .map(({ name }) => name)
      .join(),
    'a,b,line,c,d',
  )
  const unplaced = [...boxes, { name: 'x', box: undefined }]
  t.equal(inReadingOrder(unplaced), unplaced)
})

t.test('numbers go on, letters stay, and merged cells and raised text are passed on', async t => {
  const numbered = (text: string, type: string, level = 0) =>
    `<a:p><a:pPr lvl="${level}"><a:buAutoNum type="${type}"${text === 'third' ? ' startAt="3"' : ''}/></a:pPr><a:r><a:t>${text}</a:t></a:r></a:p>`
  const list = `<p:sp><p:nvSpPr><p:cNvPr/><p:nvPr/></p:nvSpPr><p:txBody>${numbered('third', 'arabicPeriod')}${numbered('fourth', 'arabicPeriod')}</p:txBody></p:sp>`
  const cell = (text: string, span = '') =>
    `<a:tc${span}><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`
  const table = `<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tr>${cell('Item')}${cell('Price')}</a:tr><a:tr>${cell('Both', ' gridSpan="2"')}${cell('', ' hMerge="1"')}</a:tr></a:tbl></a:graphicData></a:graphic></p:graphicFrame>`
  const { blocks } = await readPptx(pptx([shape('Steps', [0, 0], 'title') + list + table]))
  const text = blocks.map(block => block.text).join('\n')
  t.match(text, '3. third\n4. fourth')
  t.match(text, '| Item | Price |\n| Both |')
})

t.test('a slide without a title has its first short line, or its number', async t => {
  const long = 'This is a sentence and no title at all.'
  const { blocks } = await readPptx(pptx([shape('Welcome', [0, 0]) + shape(long, [0, 100]), shape(long, [0, 0])]))
  t.strictSame(
    blocks.map(({ text }) => text),
    ['Welcome', long, 'Slide 2', long],
  )
})

t.test('what cannot be read says why', async t => {
  const locked = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.from('EncryptedPackage', 'utf16le')])
  await t.rejects(readPptx(locked), { message: 'is protected by a password; remove it first' })
  await t.rejects(readPptx(archive({ a: 'b' })), { message: 'is damaged or not a PowerPoint presentation (.pptx)' })
  await t.rejects(readOdp(archive({ a: 'b' })), { message: 'is damaged or not an OpenDocument presentation (.odp)' })
  const deep = '<p:grpSp>'.repeat(2000) + '</p:grpSp>'.repeat(2000)
  await t.rejects(readPptx(pptx([deep])), { message: 'nested too deeply' })
  const entities = archive({
    mimetype: 'application/vnd.oasis.opendocument.presentation',
    'content.xml': '<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
  })
  await t.rejects(readOdp(entities), { message: /^is damaged/ })
  t.strictSame((await readPptx(pptx(['']))).blocks, [])
})
