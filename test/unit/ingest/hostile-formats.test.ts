import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import tap from 'tap'
import { readHtml } from '../../../src/ingest/readers/html/html.ts'
import { readOdp } from '../../../src/ingest/readers/office/odp.ts'
import { readOds } from '../../../src/ingest/readers/office/ods.ts'
import { JsonScanner } from '../../../src/ingest/readers/rows/json-structure.ts'
import { flowHtml } from '../../../src/ingest/readers/word/flow.ts'
import { rtfBlocks } from '../../../src/ingest/readers/word/rtf-reader.ts'
import { readPaths } from '../../support/read-paths.ts'
import { zip } from '../../support/zip.ts'

/** Files made to take more memory or time than their size: each ended the reading process, or was misread, once. */

const names = ['office', 'table', 'text', 'style', 'drawing', 'presentation']
  .map(name => `xmlns:${name === 'drawing' ? 'draw' : name}="urn:oasis:names:tc:opendocument:xmlns:${name}:1.0"`)
  .join(' ')

function openDocument(kind: string, body: string): Buffer {
  const content = `<office:document-content ${names}><office:body><office:${kind}>${body}</office:${kind}></office:body></office:document-content>`
  return zip({
    mimetype: Buffer.from(`application/vnd.oasis.opendocument.${kind}`),
    'content.xml': Buffer.from(content),
  })
}

const cell = (text: string, repeats = 1) =>
  `<table:table-cell office:value-type="string" table:number-columns-repeated="${repeats}"><text:p>${text}</text:p></table:table-cell>`
const row = (cells: string) => `<table:table-row>${cells}</table:table-row>`

tap.test('a long text in a cell that is repeated: too much text, not a process without memory', async t => {
  const long = row(cell('a'.repeat(7000), 10_000))
  await t.rejects(readOds(openDocument('spreadsheet', `<table:table>${long}</table:table>`)), {
    message: 'has too much text; split it into smaller documents',
  })
  const wide = `<draw:page><draw:frame><table:table>${row(cell('a'.repeat(17_000), 1000))}</table:table></draw:frame></draw:page>`
  await t.rejects(readOdp(openDocument('presentation', wide)), { message: 'has a table that is too large' })
})

tap.test('a long header is not repeated over every part of a table', async t => {
  const header = row(cell('h'.repeat(100_000)) + cell('b'))
  const parts = `${row(cell(''))}${row(cell('x') + cell('y'))}`.repeat(200)
  const { blocks } = await readOds(openDocument('spreadsheet', `<table:table>${header}${parts}</table:table>`))
  const text = blocks.map(block => block.text).join('\n')
  t.ok(text.length < 3_000_000, `${text.length} characters`)
  t.equal(text.match(/\| x \| y \|/g)?.length, 200)
})

tap.test('JSON with millions of keys or values: only what decides is kept', async t => {
  const keys = new JsonScanner()
  keys.push(`{"rows":[{}],${'"a":1,"b":[1],'.repeat(10_000)}"more":[{}]}`)
  t.ok(keys.values.length <= 3, `${keys.values.length} values`)
  t.strictSame(
    keys.values.filter(({ first }) => first === 'object').map(({ key }) => key),
    ['rows', 'more'],
  )
  const lines = new JsonScanner()
  lines.push(`[]${'{}\n'.repeat(10_000)}`)
  t.strictSame(lines.tops, ['array', 'object'])
})

async function faultsOf(folder: string, name: string, content: string): Promise<string[]> {
  writeFileSync(join(folder, name), content)
  const faults: string[] = []
  for await (const result of readPaths([join(folder, name)])) if ('fault' in result) faults.push(result.fault.reason)
  return faults
}

tap.test('JSON nested 20,000 deep', async t => {
  const depth = 20_000
  t.strictSame(await faultsOf(t.testdir(), 'a.json', `${'['.repeat(depth)}1${']'.repeat(depth)}`), [
    'is nested too deeply',
  ])
})

tap.test('a mailbox with a message of half a million lines takes memory in proportion to its bytes', async t => {
  const path = join(t.testdir(), 'a.mbox')
  writeFileSync(path, `From a\nFrom: a@example.org\n\nHello.\n${'\n'.repeat(500_000)}`)
  const module = new URL('../../../src/ingest/readers/mail/mbox.ts', import.meta.url).href
  const code = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(module)}).then(async ({ readMbox }) => {
      for await (const { bytes } of readMbox(${JSON.stringify(path)}, { largestBytes: 2 ** 26 })) parentPort.postMessage(bytes.length)
    })`
  const worker = new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 24 } })
  const sizes = await new Promise((resolve, reject) => {
    worker.on('message', resolve)
    worker.on('error', reject)
  })
  t.equal(sizes, 500_000 + 'From: a@example.org\n\nHello.\n'.length)
})

tap.test('Rich Text: a box or a row of notes of any length, but not boxes in boxes in boxes', async t => {
  const rtf = (body: string) => rtfBlocks(Buffer.from(`{\\rtf1 ${body}}`))
  t.equal(rtf(`{\\shptxt ${'a\\par '.repeat(130_000)}}`).length, 130_000)
  const noted = rtf(`{\\listtext 1.}a${'{\\footnote b}'.repeat(130_000)}\\par `)
  t.equal(flowHtml(noted).match(/<sup>/g)?.length, 130_000)
  t.throws(() => rtf('{\\shptxt '.repeat(100)), { message: 'nested too deeply' })
})

tap.test('ten thousand empty elements and comments in a row', async t => {
  const row = '<a name="x"></a><!-- --> <i class="icon"></i><span><b></b></span>'.repeat(2500)
  const { blocks } = readHtml(`<body><h2><a name="fees"></a>Fees</h2><p>Ten ${row} euros.</p></body>`)
  t.strictSame(blocks, [
    { kind: 'heading', level: 2, text: 'Fees', anchor: 'fees' },
    { kind: 'text', text: 'Ten euros.' },
  ])
})

tap.test('a mailbox without a message is a fault', async t => {
  for (const content of ['', '\n\n', 'From a Tue Jun 30 14:05:00 2026\n'])
    t.strictSame(await faultsOf(t.testdir(), 'a.mbox', content), ['has no mails'], JSON.stringify(content))
})
