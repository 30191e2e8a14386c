import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import tap from 'tap'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import {
  fileOriginal,
  givenOriginal,
  keptOf,
  maxOriginalBytes,
  restore,
  sectionsOfChunks,
  sectionsOriginal,
} from '../../../src/ingest/originals.ts'
import { contentHash, isFromStoredText, preparationMark } from '../../../src/ingest/prepare.ts'
import { readFound } from '../../../src/ingest/read.ts'
import type { Original, SourceDocument } from '../../../src/ingest/terms.ts'

const input = {
  source: 'a/gate.html',
  format: 'html' as const,
  text: '<h1>Gate</h1><p>It opens at nine.</p><h2>Winter</h2><p>It opens at ten.</p>',
  metadata: { kind: 'x' },
}

/** As it is stored, with what an older reader got wrong. */
function stored(document: SourceDocument, original: Original | null) {
  const { sections: _, ...rest } = document
  const text = original?.kind === 'sections' ? document.text : 'wrong'
  return { ...rest, text, language: 'en', original, places: [] }
}

tap.test('a document over HTTP', async t => {
  const document = documentFrom(input)
  const original = givenOriginal(input, document, 'yes')
  t.equal(original?.kind, 'given')
  t.strictSame(await restore(stored(document, original)), { document, isReadAgain: true })

  const sections = givenOriginal(input, document, 'sections')
  t.equal(sections?.kind, 'sections')
  t.strictSame(await restore(stored(document, sections)), { document, isReadAgain: false })
  t.equal(givenOriginal(input, document, 'no'), null)
})

tap.test('files', async t => {
  const folder = t.testdir({
    'gate.html': input.text,
    'rows.csv': 'id,question,answer\n1,When?,At nine.\n',
  })
  const read = async (name: string, url?: string) => {
    const options = { language: 'ru', metadata: { kind: 'x' }, ...(url !== undefined && { url }) }
    for await (const result of readFound({ path: `${folder}/${name}`, source: name, bytes: 1, options }))
      if ('document' in result) return result
    throw new Error(`${name} was not read`)
  }
  for (const url of [undefined, 'https://example.org/gate']) {
    const result = await read('gate.html', url)
    const original = fileOriginal(result, 'yes')
    t.equal(original?.kind, 'file')
    t.strictSame(await restore(stored(result.document, original)), { document: result.document, isReadAgain: true })
  }
  const row = await read('rows.csv')
  const original = fileOriginal(row, 'yes')
  t.equal(original?.kind, 'sections', 'rows are kept as sections')
  t.strictSame(await restore(stored(row.document, original)), { document: row.document, isReadAgain: false })
})

tap.test('a document that is too large', async t => {
  const document = documentFrom(input)
  const noise = (bytes: number) => ({ ...input, text: randomBytes(bytes).toString('base64') })
  t.equal(givenOriginal(noise(maxOriginalBytes), document, 'yes')?.kind, 'sections', 'compressed')
  t.equal(givenOriginal({ ...input, text: 'a'.repeat(17 * 2 ** 20) }, document, 'yes')?.kind, 'sections', 'or before')
  t.equal(givenOriginal({ ...input, text: 'a'.repeat(2 ** 22) }, document, 'yes')?.kind, 'given', 'small compressed')
  const headings = Array.from({ length: 100_000 }, () => randomBytes(30).toString('base64'))
  const sections = headings.map((heading, i) => ({ start: i, end: i + 1, headings: [heading] }))
  t.equal(givenOriginal(input, { ...document, sections }, 'sections'), null, 'not even the sections')
})

tap.test('what is kept from now on', t => {
  const document = documentFrom(input)
  const given = givenOriginal(input, document, 'yes')
  const sections = sectionsOriginal(document, 'sections')
  t.equal(keptOf(given, document, 'yes'), 'kept')
  t.equal(keptOf(sections, document, 'yes'), 'kept')
  t.equal(keptOf(sections, document, 'sections'), 'kept')
  t.match(keptOf(given, document, 'sections'), { kind: 'sections' })
  t.match(keptOf(null, document, 'yes'), { kind: 'sections' }, 'nothing was kept: at least the sections')
  t.equal(keptOf(given, document, 'no'), null)
  t.end()
})

tap.test('sections as chunks show them', t => {
  const at = (start: number, end: number, title: string, more: { page?: number; anchor?: string } = {}) => ({
    start,
    end,
    title,
    page: more.page ?? null,
    anchor: more.anchor ?? null,
  })
  t.strictSame(
    sectionsOfChunks(
      [
        at(0, 10, 'Rules'),
        at(8, 20, 'Rules › Fees › Late', { anchor: 'late' }),
        at(18, 30, 'Rules › Fees › Late', { anchor: 'late' }),
        at(31, 40, 'Rules › Fees › Late', { page: 2, anchor: 'late' }),
        at(41, 50, 'Rulesets › Fees'),
      ],
      'Rules',
    ),
    [
      { start: 0, end: 10, headings: [] },
      { start: 10, end: 30, headings: ['Fees', 'Late'], anchor: 'late' },
      { start: 31, end: 40, headings: ['Fees', 'Late'], page: 2, anchor: 'late' },
      { start: 41, end: 50, headings: [] },
    ],
    'chunks of one section overlap and are joined; a title that only begins alike is another',
  )
  t.end()
})

tap.test('a hash says how the document was prepared', t => {
  const document = documentFrom(input)
  const [read, restored] = [contentHash(document), contentHash(document, { from: 'stored text' })]
  t.equal(read.length, 36)
  t.same(read.subarray(0, 4), preparationMark('original'))
  t.same(restored.subarray(0, 4), preparationMark('stored text'))
  t.same(read.subarray(4), restored.subarray(4))
  t.same([read, restored].map(isFromStoredText), [false, true])
  t.notOk(isFromStoredText(Buffer.alloc(32, 0xff)), 'older hashes have no mark')
  t.notSame(contentHash({ ...document, title: 'Other' }), read)
  t.end()
})

tap.test('what was kept and is damaged, or in a form of a newer version, is named without its content', async t => {
  const document = documentFrom(input)
  const { content } = givenOriginal(input, document, 'yes')!
  const damaged = /^cannot be read again, because what was kept of it is damaged; load it again$/
  const cases: readonly (readonly [Original, RegExp])[] = [
    [{ kind: 'given', content: randomBytes(300) }, damaged],
    [{ kind: 'given', content: content.subarray(0, -20) }, damaged],
    [{ kind: 'given', content: deflateSync('{"secret') }, damaged],
    [{ kind: 'given', content: deflateSync('null') }, damaged],
    [{ kind: 'sections', content }, damaged],
    [{ kind: 'file', content }, damaged],
    [{ kind: 'file', content: deflateSync('abc') }, damaged],
    // Inflates to more than any version keeps.
    [{ kind: 'sections', content: deflateSync(Buffer.alloc(257 * 2 ** 20), { level: 1 }) }, damaged],
    [{ kind: 'delta' as 'given', content }, /^was kept by a newer version of Askwell; reindex it with that one$/],
  ]
  for (const [original, message] of cases)
    await t.rejects(restore(stored(document, original)), { name: 'UnreadableError', message }, original.kind)
})
