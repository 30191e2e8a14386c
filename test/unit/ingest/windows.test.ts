import fc from 'fast-check'
import t from 'tap'
import { chunk } from '../../../src/ingest/chunk.ts'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import type { Chunk } from '../../../src/ingest/terms.ts'
import { windowsOf, windowText, type WindowModel } from '../../../src/ingest/windows.ts'

/** Counts words, and letters beyond ten in a word: simple to reckon with, and hard on long words. */
const countTokens = (text: string): number =>
  text
    .split(/\s+/)
    .filter(word => word !== '')
    .reduce((sum, word) => sum + Math.max(1, [...word].length - 9), 0)
const modelOf = (windowTokens: number, maxTokens = windowTokens): WindowModel => ({
  windowTokens,
  maxTokens,
  countTokens,
  readsCode: true,
})

const sentence = (i: number): string => `Sentence number ${i} is about readers of books.`
const prose = (count: number): string => Array.from({ length: count }, (_, i) => sentence(i)).join(' ')

function chunkOf(text: string, title = 'Library'): { text: string; chunk: Chunk } {
  const document = documentFrom({ source: 'a', format: 'text', title, text })
  return { text: document.text, chunk: chunk(document, 'en')[0]! }
}

function embedded(given: { text: string; chunk: Chunk }, model: WindowModel): string[] {
  return windowsOf(given.text, given.chunk, 'en', model).map(window =>
    windowText(given.text, given.chunk, window, model),
  )
}

t.test('a chunk that fits is one window, title in front', async t => {
  t.strictSame(embedded(chunkOf('One.\n\nTwo.'), modelOf(20)), ['Library. One. Two.'])
})

t.test('a longer chunk: whole sentences, evenly divided, the title in front of each', async t => {
  const windows = embedded(chunkOf(prose(10)), modelOf(40))
  t.equal(windows.length, 3)
  for (const text of windows) {
    t.match(text, /^Library\. (Sentence number \d+ is about readers of books\. ?)+$/)
    t.ok(countTokens(text) <= 40)
  }
  t.ok(Math.min(...windows.map(countTokens)) > 20, 'no small rest')
})

t.test('a long title loses its front, and never takes more than half of a window', async t => {
  const title = `${'Very '.repeat(50)}long › Borrowing › Late books`
  const [first] = embedded(chunkOf(prose(10), title), modelOf(20))
  t.match(first!, /^Borrowing › Late books\. Sentence/)
  t.match(embedded(chunkOf(prose(10), `${'very '.repeat(50)}long`), modelOf(20))[0]!, /^very (very )+long\. Sentence/)
})

t.test('a sentence stays whole as long as the model takes it, even beyond the best length', async t => {
  const long = `It ${'goes on and '.repeat(8)}ends.`
  const windows = embedded(chunkOf(`${sentence(1)} ${long} ${sentence(2)}`), modelOf(16, 40))
  t.ok(windows.some(text => text === `Library. ${long}`))
})

t.test('a sentence that the model cannot take is divided between words', async t => {
  for (const text of embedded(chunkOf(`It ${'goes on and '.repeat(80)}ends.`), modelOf(16))) {
    t.match(text, /^Library\. ((It|goes|on|and|ends\.) ?)+$/)
  }
})

t.test('headings that the title says, and fences, are not embedded twice', async t => {
  const document = documentFrom({ source: 'a', text: '# Library\n\n## Hours\n\nWe open:\n\n```js\nopen(9)\n```' })
  const [only] = chunk(document, 'en')
  t.equal(only!.title, 'Library › Hours')
  t.strictSame(embedded({ text: document.text, chunk: only! }, modelOf(50)), ['Library › Hours. We open: open(9)'])
})

t.test('a model that cannot read code: prose only, but for a chunk of nothing but code', async t => {
  const model = { ...modelOf(50), readsCode: false }
  const code = '```js\nopen(9)\n```'
  t.strictSame(embedded(chunkOf(`We open:\n\n${code}\n\nEvery day.`), model), [
    'Library. We open:',
    'Library. Every day.',
  ])
  t.strictSame(embedded(chunkOf(code), model), ['Library. open(9)'])
})

t.test('nothing but a heading is embedded all the same', async t => {
  t.strictSame(embedded(chunkOf('Library'), modelOf(50)), ['Library. Library'])
})

t.test('any text: within the limit, in order, nothing left out', async () => {
  const hard = fc.constantFrom('сұрақ', '中文没有空格。', '👩‍👩‍👧', '```', '- ', '.', '\n\n')
  const word = fc.oneof(fc.lorem({ maxCount: 1 }), hard, fc.string({ unit: 'grapheme', maxLength: 40 }))
  const text = fc.array(word, { minLength: 1, maxLength: 300 }).map(words => words.join(' '))
  fc.assert(
    fc.property(
      text,
      fc.string({ maxLength: 120 }),
      fc.integer({ min: 2, max: 60 }),
      fc.integer({ min: 0, max: 60 }),
      (body, title, best, more) => {
        const model = modelOf(best, best + more)
        const document = documentFrom({ source: 'a', format: 'text', title, text: body })
        for (const each of chunk(document, 'en')) {
          let covered = each.start
          for (const window of windowsOf(document.text, each, 'en', model)) {
            const embeddedText = windowText(document.text, each, window, model)
            if (embeddedText === '' || countTokens(embeddedText) > model.maxTokens) return false
            if (window.start < covered || document.text.slice(covered, window.start).trim() !== '') return false
            covered = window.end
          }
          if (covered !== each.end) return false
        }
        return true
      },
    ),
    { numRuns: 300 },
  )
})

t.test('a window that begins within a table has the header of the table in front', async t => {
  const rows = Array.from({ length: 12 }, (_, i) => `| Town${i} | ${i} |`)
  const text = rows.join('\n')
  const chunk: Chunk = {
    ordinal: 1,
    start: 0,
    end: text.length,
    title: 'Bank',
    anchor: null,
    page: null,
    tokens: 50,
    tableHeader: '| Branch | Borrowers |',
  }
  const windows = embedded({ text, chunk }, modelOf(40))
  t.ok(windows.length > 1)
  for (const window of windows) {
    t.match(window, /^Bank › \| Branch \| Borrowers \|\. \| Town/)
    t.ok(countTokens(window) <= 40)
  }
  const own = embedded(chunkOf(`| Branch | Borrowers |\n${text}`, 'Bank'), modelOf(40))
  t.match(own[0], /^Bank\. \| Branch \| Borrowers \| \| Town0/)
  for (const window of own.slice(1)) t.match(window, /^Bank › \| Branch/)
})

t.test('rows below a wide header: it is shortened once, not for each row', async t => {
  const header = `| ${Array.from({ length: 80 }, (_, i) => `c${i}`).join(' | ')} |`
  const rows = Array.from({ length: 100 }, (_, i) => `| ${i} | value |`)
  const document = documentFrom({ source: 'a', format: 'text', title: 'Prices', text: [header, ...rows].join('\n') })
  let counts = 0
  const model = { ...modelOf(60), countTokens: (text: string) => ((counts += 1), countTokens(text)) }
  const windows = chunk(document, 'en').flatMap(each => windowsOf(document.text, each, 'en', model))
  t.ok(windows.length > 5, `${windows.length} windows`)
  t.ok(counts < 15 * rows.length, `${counts} counts`)
})
