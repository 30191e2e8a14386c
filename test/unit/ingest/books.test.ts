import t from 'tap'
import { readEpub } from '../../../src/ingest/readers/epub.ts'
import { readIpynb } from '../../../src/ingest/readers/ipynb.ts'
import { readSubtitles } from '../../../src/ingest/readers/subtitles.ts'
import { archive, epub } from '../../support/office-files.ts'

function page(body: string): string {
  return `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>${body}</body></html>`
}

function encryption(algorithm: string, uri: string): Record<string, string> {
  return {
    'META-INF/encryption.xml': `<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData><e:EncryptionMethod Algorithm="${algorithm}"/><e:CipherData><e:CipherReference URI="${uri}"/></e:CipherData></e:EncryptedData></encryption>`,
  }
}

t.test('EPUB: chapters in the order of the spine, with headings, tables and lists, without the contents', async t => {
  const chapters = {
    'two%20b.xhtml': page('<h1>Boats</h1><table><tr><th>Kind</th></tr><tr><td>Kayak</td></tr></table>'),
    'one.xhtml': page('<h1 id="t">Tides</h1><p>High at nine.</p><ol start="3"><li>Look</li></ol>'),
  }
  const book = epub({ 'a.xhtml': page('<h1>Front</h1><p>By sea.</p>'), 'one.xhtml': chapters['one.xhtml'] })
  const { title, language, blocks } = await readEpub(book)
  t.equal(title, 'The harbour')
  t.equal(language, 'en')
  t.strictSame(
    blocks.map(({ text }) => text),
    ['Front', 'By sea.', 'Tides', 'High at nine.', '3. Look'],
  )
  t.match(blocks[2], { kind: 'heading', anchor: 't' })
  const spaced = await readEpub(epub({ 'two%20b.xhtml': '' }, { 'book/two b.xhtml': chapters['two%20b.xhtml'] }))
  t.strictSame(
    spaced.blocks.map(({ text }) => text),
    ['Boats', '| Kind |\n| Kayak |'],
  )
})

t.test('EPUB: protected, damaged, without a chapter; obfuscated fonts are no protection', async t => {
  const chapters = { 'a.xhtml': page('<p>By sea.</p>') }
  const locked = epub(chapters, encryption('http://www.w3.org/2001/04/xmlenc#aes128-cbc', 'book/a.xhtml'))
  await t.rejects(readEpub(locked), { message: /^is protected \(DRM\)/ })
  const fonts = epub(chapters, encryption('http://www.idpf.org/2008/embedding', 'book/a.otf'))
  t.equal((await readEpub(fonts)).blocks[0]!.text, 'By sea.')
  await t.rejects(readEpub(archive({ mimetype: 'application/epub+zip' })), {
    message: 'is damaged or not an EPUB book',
  })
  await t.rejects(readEpub(Buffer.from('PK')), { message: 'is damaged or not an EPUB book' })
  const spine =
    '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="a"/></spine></package>'
  const lacking = archive({
    'META-INF/container.xml': '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>',
    'b.opf': spine,
  })
  t.strictSame((await readEpub(lacking)).warnings, ['lacks chapters, which were left out: a.xhtml'])
})

t.test('notebooks of format 4 and 3: text, code and short outputs', async t => {
  const image = 'A'.repeat(5000)
  const cells = [
    { cell_type: 'markdown', source: ['# Tides\n', '\n', '| Day | Time |\n', '|---|---|\n', '| Monday | 9 |\n'] },
    {
      cell_type: 'code',
      source: ['print(tide())'],
      outputs: [
        { output_type: 'stream', text: ['\u001b[31mnine\u001b[0m\n'] },
        {
          output_type: 'display_data',
          data: { 'image/png': image, 'text/plain': ['<Figure size 640x480 with 1 Axes>'] },
        },
        { output_type: 'error', ename: 'KeyError', evalue: "'x'", traceback: ['long'] },
        { output_type: 'stream', text: 'line\n'.repeat(5000) },
      ],
    },
    { cell_type: 'raw', source: 'As it is.' },
  ]
  const { blocks } = readIpynb(JSON.stringify({ nbformat: 4, metadata: { kernelspec: { language: 'python' } }, cells }))
  const texts = blocks.map(({ text }) => text)
  t.strictSame(texts.slice(0, 5), [
    'Tides',
    '| Day | Time |\n| Monday | 9 |',
    '```python\nprint(tide())\n```',
    '```\nnine\n```',
    "```\nKeyError: 'x'\n```",
  ])
  t.match(texts[5], /^```\nline\n[\s\S]{1000,2100}…\n```$/)
  t.equal(texts[6], 'As it is.')
  const old = {
    nbformat: 3,
    worksheets: [
      {
        cells: [
          { cell_type: 'heading', level: 2, source: 'Old' },
          { cell_type: 'code', language: 'r', input: 'x <- 1' },
        ],
      },
    ],
  }
  t.strictSame(
    readIpynb(JSON.stringify(old)).blocks.map(({ text }) => text),
    ['Old', '```r\nx <- 1\n```'],
  )
  for (const broken of ['', '{', '[]', '{"a":1}', 'null'])
    t.throws(() => readIpynb(broken), { message: 'is damaged or not a Jupyter notebook' })
  t.strictSame(readIpynb('{"cells":[]}').blocks, [])
})

t.test('subtitles: cues are joined, tags are removed, speakers are named, and a heading has the time', async t => {
  const vtt = `WEBVTT - Lecture\n\nNOTE a comment\nover two lines\n\nSTYLE\n::cue { color: red }\n\n1\n00:01.000 --> 00:03.000 align:start\n<v.loud Anna Berg>The <i>tide</i> is\n\n00:03.000 --> 00:05.000\nhigh at nine &amp; ten.\n\n00:05.000 --> 00:07.000\n<v Ben>Is it?\n\n01:12:30.500 --> 01:12:32.000\n<v Ben>Later.\n`
  t.strictSame(
    readSubtitles(vtt).blocks.map(({ text }) => text),
    ['00:00:01', 'Anna Berg: The tide is high at nine & ten.', 'Ben: Is it?', '01:12:30', 'Ben: Later.'],
  )
  const srt =
    '\ufeff1\r\n00:00:01,000 --> 00:00:03,000\r\n{\\an8}<font color="#fff">The tide</font>\r\n2\r\n00:00:03,000 --> 00:00:04,500\r\nis high.\r\n\r\n3\r\n00:00:20,000 --> 00:00:21,000\r\nAfter a pause.'
  t.strictSame(
    readSubtitles(srt).blocks.map(({ text }) => text),
    ['00:00:01', 'The tide is high.', 'After a pause.'],
  )
})

t.test('subtitles: a long one without full stops is divided; what is none says so', async t => {
  const cues = Array.from({ length: 2000 }, (_, i) => {
    const at = (second: number) => new Date(second * 1000).toISOString().slice(11, 23)
    return `${at(i * 2)} --> ${at(i * 2 + 2)}\nand then word ${i}\n`
  })
  const { blocks } = readSubtitles(`WEBVTT\n\n${cues.join('\n')}`)
  t.ok(blocks.every(({ text }) => text.length < 2000))
  t.ok(blocks.filter(({ kind }) => kind === 'heading').length >= (2000 * 2) / 180)
  t.strictSame(readSubtitles('WEBVTT\n').blocks, [])
  t.throws(() => readSubtitles('a text'), { message: 'is damaged or not a file of subtitles (.srt, .vtt)' })
})
