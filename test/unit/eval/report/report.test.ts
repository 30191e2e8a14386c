import tap from 'tap'
import { measured } from '../../../../src/eval/answers/measure.ts'
import { htmlOf } from '../../../../src/eval/report/html.ts'
import { markdownOf, tableText } from '../../../../src/eval/report/markdown.ts'
import { reportOf } from '../../../../src/eval/report/report.ts'
import { asked, question, refusal, reply } from '../../../support/asked.ts'

const hostile = '<script>alert(1)</script> | **x** ![a](http://example.org/x.png)'

function report() {
  const all = [
    asked({ reply: reply({ confidence: 0.9 }) }),
    asked({ question: question({ text: hostile, kind: hostile }), reply: refusal({ confidence: 0.2 }), open: reply() }),
    asked({
      question: question({ kind: 'far', isAnswerable: false }),
      reply: reply({ text: hostile, confidence: 0.4 }),
    }),
  ]
  const set = { name: hostile, folder: '', form: 'small', corpus: { documents: [] }, questions: [] } as const
  return reportOf({
    facts: [['embeddings', hostile]],
    sets: [measured(set, all)],
    answered: [{ set, asked: all }],
    extraTables: [],
  })
}

tap.test('HTML: one file that requests nothing, with plots that can be read aloud', async t => {
  const html = htmlOf(report())
  t.notMatch(html, /<script|<img|<link|<iframe|\b(src|href|srcset)=|url\(|@import/i)
  t.match(html, /Content-Security-Policy" content="default-src 'none'/)
  t.match(html, '&#60;script&#62;alert(1)', 'text is escaped')
  const plots = [...html.matchAll(/<svg [^>]*role="img"[^>]*aria-labelledby="(\S+) (\S+)">/g)]
  t.equal(plots.length, 3, 'right over false, risk over coverage, confidence')
  for (const [, title, description] of plots) {
    t.match(html, `<title id="${title}">`)
    t.match(html, `<desc id="${description}">`)
  }
  t.equal(new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id)).size, 6, 'ids are unique')
  t.match(html, /prefers-color-scheme:dark/)
  t.match(html, /@media print/)
  t.notMatch(html, /NaN|undefined|Infinity/)
})

tap.test('Markdown: text cannot end a cell or load anything', async t => {
  const text = markdownOf(report())
  const rows = text.split('\n').filter(line => line.includes('alert'))
  t.ok(rows.length > 3)
  t.notMatch(text, /[^\\]!\[|[^\\]<script|[^\\]\*\*x/)
  t.equal(
    tableText({ title: '', columns: ['a', 'b'], rows: [['1 | 2', 'x\ny']] }),
    '| a | b |\n|---|---|\n| 1 \\| 2 | x y |',
  )
})

tap.test('what went wrong is listed by how, with what a refused question would have got', async t => {
  const { examples } = report()
  t.match(examples, [
    { title: /answered although the documents do not say$/, total: 1 },
    {
      title: /refused although the documents say it$/,
      total: 1,
      shown: [{ answer: /^\(would have been right\) The PIN/ }],
    },
  ])
})
