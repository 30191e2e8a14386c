import t from 'tap'
import { readRtf } from '../../../src/ingest/readers/word/rtf.ts'
import { flowHtml } from '../../../src/ingest/readers/word/flow.ts'
import { rtfBlocks } from '../../../src/ingest/readers/word/rtf-reader.ts'

const fonts =
  '{\\fonttbl{\\f0 Arial;}{\\f1\\fcharset204 Arial Cyr;}{\\f2\\fcharset2 Symbol;}{\\f3\\fcharset128 MS Mincho;}}'
const styles =
  '{\\stylesheet{Normal;}{\\s1\\outlinelevel0 heading 1;}{\\s2\\sbasedon1 Own;}{\\s3 heading 2;}{\\*\\cs4 Title;}}'

function html(body: string): string {
  const file = Buffer.from(`{\\rtf1\\ansi\\ansicpg1252${fonts}${styles}\\pard\\plain ${body}}`, 'latin1')
  return flowHtml(rtfBlocks(file)).replace(/^<body>|<\/body>$/g, '')
}

t.test('characters: code pages of fonts, Unicode with its replacement, escapes, symbols', async t => {
  t.equal(html("\\f1 \\'cf\\'f0\\'e8\\'e2\\'e5\\'f2"), '<p>Привет</p>')
  t.equal(html("caf\\'e9 \\{a\\} b\\\\c"), '<p>café {a} b\\c</p>')
  t.equal(html("\\u1055?\\u1088\\'3f\\uc2\\u8364ab!\\uc0\\u8364 x"), '<p>Пр€!€x</p>')
  t.equal(html('\\u-10179?\\u-8704?'), '<p>😀</p>', 'a pair of surrogates')
  t.equal(html("\\f3 \\'93\\'fa\\'96\\'7b"), '<p>日本</p>', 'two bytes a character')
  t.equal(html('{\\f2 a}\\~\\emdash\\bullet'), '<p>α —•</p>')
})

t.test('headings by outline level, style and base style', async t => {
  t.equal(
    html('\\s1 One\\par\\pard\\s2 Two\\par\\pard\\s3 Three\\par\\pard\\outlinelevel2 Four\\par\\pard Text\\par'),
    '<h1>One</h1><h1>Two</h1><h2>Three</h2><h3>Four</h3><p>Text</p>',
  )
})

t.test('lists keep the numbers that the writer stored; bullets are hyphens', async t => {
  const item = (marker: string, text: string, at = 0) =>
    `\\pard{\\listtext\\pard\\plain ${marker}\\tab}\\ilvl${at} ${text}\\par`
  t.equal(
    html(item('3.2.', 'Pay') + item('a)', 'cash', 1) + item("\\f2\\'b7", 'or card', 1)),
    '<ul><li data-askwell-marker="3.2.">Pay<ul><li data-askwell-marker="a)">cash</li><li data-askwell-marker="-">or card</li></ul></li></ul>',
  )
  t.equal(html('{\\pntext 4.\\tab}{\\*\\pn\\pnlvlbody}Old\\par'), '<ul><li data-askwell-marker="4.">Old</li></ul>')
})

t.test('what is shown: position, links, notes, boxes; hidden, deleted and optional parts are left out', async t => {
  t.equal(
    html('10{\\super 6} H{\\sub 2}O 11\\super 50\\nosupersub  euros'),
    '<p>10<sup>6</sup> H<sub>2</sub>O 11<sup>50</sup> euros</p>',
  )
  t.equal(
    html('a{\\v hidden}{\\deleted 20}25{\\*\\unknown x}{\\header y}{\\pict 0102}{\\*\\annotation z}{\\xe w}'),
    '<p>a25</p>',
  )
  t.equal(
    html('{\\field{\\*\\fldinst HYPERLINK "mailto:a@example.org"}{\\fldrslt {\\ul Ask}}} us'),
    '<p><a href="mailto:a@example.org">Ask</a> us</p>',
  )
  t.equal(
    html('In 1954{\\super\\chftn}{\\footnote\\pard{\\super\\chftn} Census.} more\\par'),
    '<p>In 1954 more</p><p><sup>1</sup> Census.</p>',
  )
  t.equal(
    html('Map{\\shp{\\*\\shpinst{\\sp{\\sn a}{\\sv 1}}{\\shptxt\\pard Boxed\\par}}{\\shprslt twice}} here\\par'),
    '<p>Map here</p><p>Boxed</p>',
  )
  t.equal(html('{\\upr{old}{\\*\\ud{new}}}\\line next'), '<p>new<br>next</p>')
})

t.test('tables: header rows, merged cells, cells wider than those above', async t => {
  const row = (places: string, cells: string[]) => `\\trowd${places}\\pard\\intbl ${cells.join('\\cell ')}\\cell\\row`
  t.equal(
    html(
      row('\\trhdr\\cellx1000\\cellx2000\\cellx3000', ['House', 'Room', 'Rent']) +
        row('\\clvmgf\\cellx1000\\cellx2000\\cellx3000', ['Oak', 'single', '310']) +
        row('\\clvmrg\\cellx1000\\cellx2010\\cellx3000', ['', 'double', '190']) +
        row('\\cellx1000\\cellx3000', ['Elm', 'closed']) +
        row('\\cellx1000\\clmgf\\cellx2000\\clmrg\\cellx3000', ['Ash', 'open', '']) +
        '\\pard After\\par',
    ),
    '<table><tr><th>House</th><th>Room</th><th>Rent</th></tr>' +
      '<tr><td rowspan="2">Oak</td><td>single</td><td>310</td></tr><tr><td>double</td><td>190</td></tr>' +
      '<tr><td>Elm</td><td colspan="2">closed</td></tr><tr><td>Ash</td><td colspan="2">open</td></tr></table><p>After</p>',
  )
})

t.test('damaged, empty and hostile files end', async t => {
  await t.rejects(readRtf(Buffer.from('plain text')), { message: /is damaged or not Rich Text Format/ })
  await t.rejects(readRtf(Buffer.from('{\\rtf1\\ansi\\pard\\par}')), { message: 'has no text' })
  await t.rejects(readRtf(Buffer.from('{\\rtf1' + '{'.repeat(100_000))), { message: /nested too deeply/ })
  t.equal(html('a{\\pict\\bin5 }}{{\\}}b'), '<p>ab</p>', 'binary data is skipped by its length')
  t.equal(html("open{\\b never closed \\'4"), '<p>opennever closed 4</p>')
  t.equal(html('}}}}after'), '<p>after</p>')
  const wide = html(`\\trowd\\cellx-5\\cellx${'9'.repeat(40)}\\pard\\intbl a\\cell b\\cell\\row\\pard x\\par`)
  t.match(wide, /a.*b.*x/)
})
