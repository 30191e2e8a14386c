import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { knownFormats, type ReadOptions } from '../../../src/ingest/read.ts'
import { readPaths } from '../../support/read-paths.ts'
import type { ReadFault, SourceDocument } from '../../../src/ingest/terms.ts'

t.test('the guide lists every extension once', async t => {
  const guide = readFileSync(new URL('../../../docs/guides/loading.md', import.meta.url), 'utf8')
  const table = guide.slice(guide.indexOf('| format | becomes |'))
  const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2)
  const listed = rows.flatMap(row => row.split('|')[1]!.match(/(?<=`)\.\w+(?=`)/g) ?? [])
  t.strictSame(listed.toSorted(), knownFormats.flatMap(({ extensions }) => extensions).toSorted())
})

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url))

async function read(name: string, options: ReadOptions = {}) {
  const documents: SourceDocument[] = []
  const faults: ReadFault[] = []
  for await (const result of readPaths([fixtures + name], options)) {
    if ('fault' in result) faults.push(result.fault)
    else documents.push(result.document)
  }
  return { documents, faults: faults.map(({ line, reason }) => (line === undefined ? reason : `${line}: ${reason}`)) }
}

t.test('HTML: the words without navigation, scripts and hidden parts', async t => {
  const { documents } = await read('library.html')
  const [page] = documents
  t.equal(page!.title, 'Library rules | Example')
  t.equal(page!.url, 'https://example.org/rules')
  t.equal(page!.language, null, 'templates say "en" for any language')
  t.equal(
    page!.text,
    'Library rules\n\nReaders may borrow ten books.\nNobody may smoke.\n\nOpening hours\n\n| Day | Hours |\n| Monday | 9–18 |\n\n- one\n- two\n\n```\nconst a = 1\nconst b = 2\n```',
  )
  t.strictSame(
    page!.sections.map(({ headings, anchor }) => ({ headings, anchor })),
    [
      { headings: [], anchor: undefined },
      { headings: ['Opening hours'], anchor: 'hours' },
    ],
  )
})

t.test('HTML: the only <main> is the page; a permalink is no part of its heading', async t => {
  const text = '<p>Shop</p><main><h2>Install<a href="#i" class="headerlink">¶</a></h2><p>Run it.</p></main>'
  t.equal(documentFrom({ source: 'a', format: 'html', text }).text, 'Install\n\nRun it.')
})

t.test('Word: title, headings, lists and tables by their styles', async t => {
  const { documents } = await read('stipends.docx')
  t.equal(documents[0]!.title, 'Stipends')
  t.equal(
    documents[0]!.text,
    'Stipends\n\nStipends are paid monthly.\n\nWho may apply\n\nAny full-time student may apply.\n\n- a passport\n- a certificate of study\n\nAmounts\n\n| Course | Amount |\n| Bachelor | 36 000 |\n| Master | 47 000 |',
  )
  t.strictSame(
    documents[0]!.sections.map(section => section.headings),
    [[], ['Who may apply'], ['Who may apply', 'Amounts']],
  )
})

t.test('PDF: paragraphs and pages; divided words and sentences are joined, page numbers dropped', async t => {
  const { documents } = await read('library.pdf')
  const [{ title, text, sections }] = documents as [SourceDocument]
  t.equal(title, 'Library rules 2026')
  t.strictSame(
    sections.map(({ start, end, page }) => ({ page, text: text.slice(start, end) })),
    [
      {
        page: 1,
        text: 'Library rules\n\nReaders may borrow up to ten books. The lending period is three weeks.\n\nA book that nobody waits for can be kept for another three weeks if its reader asks in the reading room.',
      },
      { page: 2, text: 'Late books cost ten cents a day.\n\nThe library opens at nine.' },
    ],
  )
})

t.test('plain text: a short first line above a blank one is the title', async t => {
  const { documents } = await read('hours.txt')
  t.equal(documents[0]!.title, 'Opening hours')
  t.equal(documents[0]!.text, 'Opening hours\n\nWe open at nine.\nWe close at six.\n\nOn Sunday we are closed.')
  t.equal(documentFrom({ source: 'x/notes.txt', format: 'text', text: 'A sentence.\n\nMore.' }).title, 'notes')
})

t.test('what cannot be read is a fault that says why', async t => {
  t.match((await read('broken.pdf')).faults, [/^is damaged or not a PDF/])
  t.match((await read('scan.pdf')).faults, ['has no text'])
  t.match((await read('broken.docx')).faults, [/^is damaged or not a Word document/])
  t.match((await read('not-utf8.txt')).faults, [/^is not valid UTF-8/])
})

t.test('broken front matter is a fault, and the document is read without it', async t => {
  const { documents, faults } = await read('broken-front-matter.md')
  t.match(faults, [/^the front matter is not valid YAML/])
  t.equal(documents[0]!.text, 'Kept\n\nText.')
})

t.test('a page nested a hundred thousand deep is a fault, not a crash', async t => {
  const folder = t.testdir({ 'deep.html': '<div>'.repeat(100_000) })
  for await (const result of readPaths([folder]))
    t.match(result, { fault: { reason: /nested too deeply|has no text/ } })
})

t.test('quotes within quotes without end are refused at once', async t => {
  t.throws(() => documentFrom({ source: 'a', text: '> '.repeat(50_000) }), {
    code: 'invalid_request',
    detail: /nested too deeply/,
  })
})

t.test('a document’s own words win over the loader’s options', async t => {
  const options = { language: 'ru', metadata: { faculty: 'medicine', campus: 'north' } }
  const { documents } = await read('library.md', options)
  t.equal(documents[0]!.language, 'en')
  t.match(documents[0]!.metadata, { faculty: 'law', campus: 'north' })
  t.equal((await read('hours.txt', options)).documents[0]!.language, 'ru')
})

t.test('only web addresses become urls, only languages become languages', async t => {
  const document = documentFrom({ source: 'a', text: 'b', url: 'javascript:alert(1)', language: 'Русский' })
  t.equal(document.url, null)
  t.equal(document.language, null)
  t.equal(documentFrom({ source: 'a', text: 'b', language: 'kz' }).language, 'kk')
})

t.test('every ending belongs to one format', async t => {
  const endings = knownFormats.flatMap(format => format.extensions)
  t.equal(new Set(endings).size, endings.length)
})
