import tap from 'tap'
import { extractText } from 'unpdf'
import { readDocx } from '../../../src/ingest/readers/word/docx.ts'
import { pdfBomb, zipBomb } from '../../hostile/attacks/archives.ts'

tap.test('bombs: a DOCX that readers take, a hundredth of its text', async t => {
  const { blocks } = await readDocx(zipBomb(10_000))
  t.equal(blocks.map(({ text }) => text).join(''), 'a '.repeat(5000).trim())
  t.ok(zipBomb(5_000_000).length < 10_000)
})

tap.test('bombs: a PDF that readers take, a hundredth of its text', async t => {
  const { text } = await extractText(new Uint8Array(pdfBomb(1300)), { mergePages: true })
  t.equal(text.replaceAll(/\s/g, ''), 'word'.repeat(100))
  t.ok(pdfBomb(5_000_000).length < 50_000)
})
