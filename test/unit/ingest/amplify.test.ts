import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { chunk } from '../../../src/ingest/chunk.ts'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { readPaths } from '../../support/read-paths.ts'
import { longestChunkCharacters } from '../../../src/ingest/section-runs.ts'
import type { SourceDocument } from '../../../src/ingest/terms.ts'
import { nfc, nfkc } from '../../../src/text/normal-form.ts'

/** Little in the input that could become much. */

const html = (text: string): string => documentFrom({ source: 'a.html', text, format: 'html' }).text
const markdown = (text: string): SourceDocument => documentFrom({ source: 'a.md', text })
const cells = (text: string): number => text.split('|').length
const table = (rows: string): string => `<table>${rows}</table>`

tap.test('a cell over a billion columns or rows: as many as browsers make of it', async t => {
  for (const span of ['1000000000', '1001', '1e9999', '999999999999999999999999', '-5', '0', 'NaN', '']) {
    const wide = html(table(`<tr><td colspan="${span}">wide</td></tr><tr><td>a</td></tr>`))
    t.ok(cells(wide) <= 2 * 1002, `colspan ${span}: ${cells(wide)}`)
    t.match(wide, /wide/)
    const high = html(table(`<tr><td rowspan="${span}">high</td><td>b</td></tr><tr><td>c</td></tr>`))
    t.ok(cells(high) <= 10, `rowspan ${span}`)
    t.match(high, /high[^]*c/)
  }
  t.equal(
    html(
      table(
        '<tr><td colspan="2">a</td><td>b</td></tr><tr><td rowspan="2">c</td><td>d</td><td>e</td></tr><tr><td>f</td><td>g</td></tr>',
      ),
    ),
    '| a | a | b |\n| c | d | e |\n| c | f | g |',
    'spans that anyone writes are filled',
  )
})

tap.test('the same in Markdown', async t => {
  t.ok(cells(markdown(`Some text.\n\n${table('<tr><td colspan="1000000000">a</td></tr>')}`).text) <= 1002)
})

tap.test('a table grows no further than what is in it', async t => {
  const tables: readonly (readonly [string, number])[] = [
    [`<tr>${'<td colspan=1000 rowspan=65534>a'.repeat(30)}</tr>${'<tr><td>b</td></tr>'.repeat(500)}`, 530],
    [`<tr>${'<td>a'.repeat(3000)}</tr>${'<tr><td>b</td></tr>'.repeat(300)}`, 3300],
    [`<tr><td colspan=1000>a</td></tr>${'<tr><td>b</td></tr>'.repeat(1000)}`, 1001],
  ]
  for (const [rows, count] of tables) {
    const text = html(table(rows))
    t.ok(cells(text) <= 50_000 + 8 * count, `${cells(text)} of ${count}`)
    t.equal(text.match(/[ab]/g)?.length, count, 'nothing of it is lost')
  }
})

tap.test('numbers of lists that no list has', async t => {
  for (const start of ['1e300', '99999999999999999999999', '-99999999999999999999', 'x'])
    t.match(
      html(`<ol start="${start}"><li>first</li><li>second</li></ol>`),
      /^-?\d{1,10}\. first\n-?\d{1,10}\. second$/,
      start,
    )
  t.equal(html('<ol start="7"><li>first</li></ol>'), '7. first')
})

tap.test('lists in lists without end: no million of blanks', async t => {
  const text = html(`${'<ul><li>a'.repeat(300)}`)
  t.equal(text.match(/a/g)?.length, 300)
  t.ok(text.length < 300 * 60, `${text.length} characters`)
})

tap.test('a heading of a megabyte is not repeated over every chunk', async t => {
  for (const document of [
    markdown(`# ${'word '.repeat(50_000)}\n\n${'A sentence of a few words. '.repeat(2000)}`),
    documentFrom({ source: 'a', text: 'A sentence. '.repeat(5000), format: 'text', title: 'title '.repeat(50_000) }),
  ]) {
    const chunks = chunk(document, 'en')
    t.ok(chunks.length > 10)
    t.ok(chunks.every(({ title }) => title.length <= 1000))
  }
})

tap.test('names of columns without end are not told with every value', async t => {
  const folder = t.testdir({})
  writeFileSync(join(folder, 'a.csv'), `${'n'.repeat(100_000)},b\nx,y\n1,2\n`)
  const texts: string[] = []
  for await (const result of readPaths([join(folder, 'a.csv')]))
    if ('document' in result) texts.push(result.document.text)
  t.equal(texts.length, 2)
  t.ok(texts.every(text => text.length < 500))
})

tap.test('aliases of aliases in front matter are refused; a few are read', async t => {
  const lines = Array.from(
    { length: 12 },
    (_, i) =>
      `k${i}: &k${i} [${Array(9)
        .fill(i === 0 ? 'x' : `*k${i - 1}`)
        .join(', ')}]`,
  )
  const bomb = markdown(`---\n${lines.join('\n')}\n---\nText.`)
  t.same(bomb.metadata, {})
  t.equal(bomb.text, 'Text.')
  t.match(markdown('---\na: &a law\nb: *a\n---\nText.').metadata, { a: 'law', b: 'law' })
})

tap.test(
  'front matter with more keys than anyone reads is refused unread, and one with a key twice is left out',
  async t => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}: 1`).join('\n')
    t.throws(
      () => markdown(`---\n${keys}\n---\nText.`),
      /has 88,889 characters of front matter, but the limit is 65,536/,
    )
    t.same(markdown('---\na: 1\na: 2\n---\nText.').metadata, {})
  },
)

tap.test('an endless run of marks on one letter is cut; thirty stay, in their normal form', async t => {
  for (const normal of [nfc, nfkc]) {
    t.equal(
      normal(`e${'\u0301\u0323'.repeat(10_000)}!`),
      `e${'\u0301\u0323'.repeat(15)}!`.normalize(normal === nfc ? 'NFC' : 'NFKC'),
    )
    t.ok(normal(`\u30cf${'\uff9e\u0301'.repeat(10_000)}`).length < 40)
    t.equal(normal('Việt Nam, й, ё, नमस्ते, ﬁ'), 'Việt Nam, й, ё, नमस्ते, ﬁ'.normalize(normal === nfc ? 'NFC' : 'NFKC'))
  }
  t.ok(markdown(`a${'\u0301'.repeat(100_000)} b`).text.length < 40)
})

tap.test('a chunk has a bound in characters too', async t => {
  for (const text of [
    `\`\`\`\n${`a${' '.repeat(30_000)}b\n`.repeat(3)}\`\`\``,
    '-'.repeat(100_000),
    `${'='.repeat(3000)} `.repeat(30),
  ]) {
    const document = documentFrom({ source: 'a', text, format: 'text' })
    const chunks = chunk(document, 'en')
    t.ok(chunks.length > 1)
    t.ok(chunks.every(({ start, end }) => end - start <= longestChunkCharacters))
    t.equal(
      document.text.replace(/\s/g, '').length <=
        chunks.reduce((sum, { start, end }) => sum + document.text.slice(start, end).replace(/\s/g, '').length, 0),
      true,
      'and all of it is in one',
    )
  }
})
