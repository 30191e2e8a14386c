import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import type { Embedder } from '../../src/ask/retrieval/embedder.ts'
import { readConfig } from '../../src/config/config.ts'
import type { DocumentInput } from '../../src/ingest/document-from.ts'
import { findFiles } from '../../src/ingest/find-files.ts'
import { openPreparing } from '../../src/wiring/prepare-pool.ts'
import { pdf } from '../support/pdf.ts'

/** Large documents that people have: with the limits as they are set by default, each is prepared. */

const megabyte = 1_000_000
const never = new AbortController().signal
/** Of a model that reads another language: no windows are cut, which takes a third of the time. */
const embedder = {
  counting: 'local',
  maxTokens: 126,
  windowTokens: 40,
  readsCode: false,
  languages: ['xx'],
} as unknown as Embedder

const manuals = globSync('node_modules/{fastify,undici,pino,@fastify/*}/**/*.md')
  .toSorted()
  .map(file => readFileSync(file, 'utf8').replace(/^---\n[^]*?\n---\n/, ''))
  .join('\n\n')
const ofLength = (length: number) => manuals.repeat(Math.ceil(length / manuals.length)).slice(0, length)
const rows = Array.from(
  { length: 50_000 },
  (_, i) => [i, `name ${i}`, `what is said about the thing of number ${i}`] as const,
)

function opened(t: Test) {
  const preparing = openPreparing(readConfig({ PREPARE_WORKERS: '1' }).prepare)
  t.teardown(preparing.close)
  return preparing
}

const documents: Readonly<Record<string, () => Omit<DocumentInput, 'source'>>> = {
  '5 MB of Markdown': () => ({ format: 'markdown', text: ofLength(5 * megabyte) }),
  'a book of 10 MB of text': () => ({ format: 'text', text: ofLength(10 * megabyte) }),
  'a Markdown table of 50,000 rows': () => ({
    format: 'markdown',
    text: ['| id | name | text |', '| -- | -- | -- |', ...rows.map(row => `| ${row.join(' | ')} |`)].join('\n'),
  }),
  'an HTML table of 50,000 rows': () => ({
    format: 'html',
    text: `<table>${rows.map(row => `<tr><td>${row.join('</td><td>')}</td></tr>`).join('\n')}</table>`,
  }),
}

for (const [name, make] of Object.entries(documents)) {
  tap.test(`${name} is prepared`, async t => {
    const preparing = opened(t)
    const input = { source: 'large', ...make() }
    const draft = await preparing.draft(embedder, input, {
      place: preparing.enter(input.text.length),
      signal: never,
      isStored: () => false,
    })
    t.ok(draft && draft.chunks.length > 100, `${draft?.chunks.length} chunks`)
    if (name.includes('rows')) t.match(draft!.text, /49999.*what is said about the thing of number 49999/)
  })
}

tap.test('a PDF of 1,000 pages and a CSV of 50,000 rows are prepared', async t => {
  const folder = t.testdir({})
  writeFileSync(
    join(folder, 'book.pdf'),
    pdf(
      Array.from(
        { length: 1000 },
        (_, i) =>
          `Page ${i} says something of its own about ${i.toString(26).replace(/\d/g, digit => 'qrstuvwxyz'[Number(digit)]!)}.`,
      ),
    ),
  )
  writeFileSync(join(folder, 'rows.csv'), ['id,name,text', ...rows.map(row => row.join(','))].join('\n'))
  const preparing = opened(t)
  const counts = { pdf: 0, csv: 0, faults: [] as unknown[] }
  const found = await findFiles([folder])
  for await (const outcome of preparing.files(embedder, found, {
    signal: never,
    sort: async known => known.map(() => true),
  })) {
    if ('fault' in outcome) counts.faults.push(outcome.fault)
    if ('draft' in outcome) counts[outcome.draft.source.includes('.pdf') ? 'pdf' : 'csv'] += 1
    if ('draft' in outcome && outcome.draft.source.endsWith('.pdf')) t.match(outcome.draft.text, /Page 999 says/)
  }
  t.strictSame(counts, { pdf: 1, csv: 50_000, faults: [] })
})
