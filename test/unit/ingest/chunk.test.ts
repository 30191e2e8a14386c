import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { chunk } from '../../../src/ingest/chunk.ts'
import { longestChunkTokens } from '../../../src/ingest/chunk-settings.ts'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { splitLong } from '../../../src/ingest/split-span.ts'
import type { Chunk, SourceDocument } from '../../../src/ingest/terms.ts'
import { countTokens } from '../../../src/text/count-tokens.ts'
import { anyText } from '../../support/any-text.ts'

const markdown = (text: string): SourceDocument => documentFrom({ source: 'doc.md', text })
const plain = (text: string): SourceDocument => documentFrom({ source: 'doc.txt', text, format: 'text' })
const texts = (document: SourceDocument): string[] =>
  chunk(document, 'en').map(({ start, end }) => document.text.slice(start, end))
const sentence = (i: number): string => `Sentence number ${i} tells something about the library and its many readers.`
const prose = (count: number): string => Array.from({ length: count }, (_, i) => sentence(i)).join(' ')

/** What every reader of chunks relies on, whatever the document. */
function promisesOf(document: SourceDocument, chunks: readonly Chunk[]): string[] {
  const broken: string[] = []
  const say = (holds: boolean, promise: string): void => void (holds || broken.push(promise))
  let covered = 0
  chunks.forEach((each, i) => {
    const text = document.text.slice(each.start, each.end)
    say(each.ordinal === i, 'ordinals count up')
    say(text !== '' && text === text.trim(), 'no blanks at the ends, never empty')
    say(text.isWellFormed(), 'no surrogate pair is cut')
    say(
      each.tokens === countTokens(text) && each.tokens <= longestChunkTokens,
      'tokens are counted and within the limit',
    )
    say(each.title.startsWith(document.title), 'the title begins with the document’s')
    say(document.text.slice(covered, each.start).trim() === '', 'nothing is left out')
    say(i === 0 || (each.start > chunks[i - 1]!.start && each.end > chunks[i - 1]!.end), 'chunks are in order')
    covered = each.end
  })
  say(document.text.slice(covered).trim() === '', 'the end is not left out')
  return broken
}

const word = fc.oneof(
  fc.lorem({ maxCount: 1 }),
  fc.constantFrom(
    'Жауап',
    'сұрақ',
    'Người',
    '中文没有空格',
    '👩‍👩‍👧',
    'e\u0301\u0302',
    'https://example.org/a?b=c',
    '3.14',
    '```',
    '| a |',
    '- ',
    '…',
    '?',
    '.',
  ),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  anyText({ maxLength: 10 }),
)
const paragraph = fc.array(word, { maxLength: 60 }).map(words => words.join(' '))
const block = fc.oneof(
  { weight: 6, arbitrary: paragraph },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.lorem({ maxCount: 3 }))
      .map(([level, text]) => `${'#'.repeat(level)} ${text}`),
  },
  {
    weight: 1,
    arbitrary: fc.array(paragraph, { maxLength: 30 }).map(lines => `\`\`\`js\n${lines.join('\n')}\n\`\`\``),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'x'.repeat(5000),
      '長'.repeat(900),
      '👍🏽'.repeat(300),
      `a${'\u0301'.repeat(3000)}`,
      'one two '.repeat(700),
    ),
  },
)
const body = fc.array(block, { maxLength: 25 }).map(blocks => blocks.join('\n\n'))

t.test('any text: every promise holds, every time the same', async () => {
  fc.assert(
    fc.property(body, fc.constantFrom('markdown' as const, 'text' as const), (text, format) => {
      const document = documentFrom({ source: 'doc', text, format })
      const chunks = chunk(document, 'en')
      const broken = promisesOf(document, chunks)
      if (broken.length > 0) throw new Error(broken.join('; '))
      return isDeepStrictEqual(chunk(document, 'en'), chunks)
    }),
    { numRuns: 150 },
  )
})

t.test('sections that leave gaps: the gaps are covered too', async t => {
  const document = { ...plain(prose(20)), sections: [{ start: 100, end: 200, headings: ['Middle'] }] }
  t.strictSame(promisesOf(document, chunk(document, 'en')), [])
})

t.test('no text: no chunks', async t => {
  t.strictSame(chunk(plain(''), 'en'), [])
})

t.test('long prose: even chunks of 200 tokens and more, of whole sentences, with one or two repeated', async t => {
  const document = plain(prose(120))
  const chunks = chunk(document, 'en')
  t.ok(chunks.length > 3)
  for (const each of chunks) t.ok(each.tokens >= 200, `${each.tokens} tokens`)
  for (const text of texts(document)) t.match(text, /^Sentence number \d+ .*readers\.$/s)
  for (const [i, each] of chunks.slice(1).entries()) {
    const overlap = document.text.slice(each.start, chunks[i]!.end)
    t.match(overlap, /^Sentence/, 'a whole sentence is repeated')
    t.ok(countTokens(overlap) <= 40)
  }
})

t.test('a heading begins a chunk, and nothing is repeated across it', async t => {
  const document = markdown(`# T\n\n## One\n\n${prose(14)}\n\n## Two\n\n${prose(14)}`)
  t.strictSame(
    chunk(document, 'en').map(({ title, anchor }) => [title, anchor]),
    [
      ['T › One', 'one'],
      ['T › Two', 'two'],
    ],
  )
  t.match(texts(document), [/^T\n\nOne\n\nSentence/, /^Two\n\nSentence/])
})

t.test('forty headings with two lines each become a few chunks under their common heading', async t => {
  const entries = Array.from({ length: 40 }, (_, i) => `### Term ${i}\n\n${sentence(i)} ${sentence(i)}`)
  const document = markdown(`# Glossary\n\n## Terms\n\n${entries.join('\n\n')}`)
  const chunks = chunk(document, 'en')
  t.ok(chunks.length < 10, `${chunks.length} chunks`)
  for (const text of texts(document)) t.match(text, /(^|\n)Term \d+\n\nSentence/)
  t.ok(chunks.every(each => each.title === 'Glossary › Terms'))
})

t.test('tiny sections of different parents stay apart', async t => {
  const document = markdown(
    `# T\n\n## One\n\n${prose(14)}\n\n### Tiny\n\nsmall\n\n## Two\n\n### Little\n\n${prose(14)}`,
  )
  t.strictSame(
    chunk(document, 'en').map(each => each.title),
    ['T › One', 'T › Two › Little'],
  )
})

t.test('a heading never ends a chunk', async t => {
  const document = markdown(`# T\n\n## One\n\n### Inner\n\n${prose(60)}\n\n#### Deep\n\n${prose(60)}`)
  for (const text of texts(document)) t.notMatch(text, /\n(One|Inner|Deep)$/)
})

t.test('code stays whole, with the sentence that introduces it', async t => {
  const code = `\`\`\`js\n${Array.from({ length: 24 }, (_, i) => `const value${i} = compute(${i})\n`).join('\n')}\`\`\``
  const document = markdown(`# T\n\n${prose(15)} Do it like this:\n\n${code}\n\n${prose(5)}`)
  const withCode = texts(document).filter(text => text.includes('```'))
  t.equal(withCode.length, 1)
  t.match(withCode[0]!, /Do it like this:\n\n```js\nconst value0/)
})

t.test('code too long for a chunk is divided between lines', async t => {
  const code = Array.from({ length: 200 }, (_, i) => `const value${i} = compute(${i})`).join('\n')
  for (const text of texts(markdown(`\`\`\`js\n${code}\n\`\`\``))) {
    for (const line of text.split('\n')) t.match(line, /^(```(js)?|const value\d+ = compute\(\d+\))$/)
  }
})

t.test('a row of an FAQ is one chunk under its question', async t => {
  const document = documentFrom({ source: 'faq#1', title: 'How do I apply?', text: prose(20), format: 'text' })
  t.match(chunk(document, 'en'), [{ title: 'How do I apply?', anchor: null, page: null }])
})

t.test('letters keep their marks where a word must be divided', async t => {
  for (const cluster of ['👩‍👩‍👧', 'e\u0301', 'กำ', '🇰🇿']) {
    const text = cluster.repeat(200)
    const pieces = splitLong(text, { start: 0, end: text.length }, 50, countTokens)
    t.ok(pieces.length > 1)
    for (const { start, end } of pieces) t.equal((end - start) % cluster.length, 0, cluster)
  }
})

t.test('a real manual: every promise holds', async t => {
  const text = readFileSync(new URL('../../../node_modules/fastify/docs/Reference/Reply.md', import.meta.url), 'utf8')
  const document = markdown(text)
  t.strictSame(promisesOf(document, chunk(document, 'en')), [])
})

t.test('joined sections keep their headings, anchors and places', async t => {
  const document = markdown(
    '# Glossary\n\n## Terms\n\n### Deposit\n\nTen euros.\n\n### Carrel\n\nA desk.\n\n### Loan\n\nThirty days.',
  )
  const [only, ...others] = chunk(document, 'en')
  t.strictSame(others, [])
  t.equal(only!.title, 'Glossary › Terms')
  t.strictSame(
    only!.sections?.map(({ start, ...rest }) => [document.text.slice(start).split('\n')[0], rest]),
    [
      ['Glossary', { headings: [], anchor: 'glossary' }],
      ['Terms', { headings: [], anchor: 'terms' }],
      ['Deposit', { headings: ['Deposit'], anchor: 'deposit' }],
      ['Carrel', { headings: ['Carrel'], anchor: 'carrel' }],
      ['Loan', { headings: ['Loan'], anchor: 'loan' }],
    ],
  )
  const single = chunk(markdown(`# T\n\n## One\n\n${prose(8)}`), 'en')
  t.strictSame(
    single.map(each => each.sections),
    [undefined],
    'nothing is kept where the title says it',
  )
})

t.test('each question of a FAQ is a chunk with its answer', async t => {
  const document = markdown('# FAQ\n\n## Where is it?\n\nThere.\n\n## When is it?\n\nIn May.\n\n## Rules\n\nNone.')
  t.strictSame(
    chunk(document, 'en').map(({ title, anchor }) => [title, anchor]),
    [
      ['FAQ › Where is it?', 'where-is-it'],
      ['FAQ › When is it?', 'when-is-it'],
      ['FAQ › Rules', 'rules'],
    ],
  )
})

t.test('twenty thousand questions do not become as many chunks', async t => {
  const pairs = Array.from({ length: 20_000 }, (_, i) => `a${i}?\n\nb`)
  let start = 0
  const sections = pairs.map((pair, i) => {
    const section = { start, end: start + pair.length, headings: [`a${i}?`] }
    start = section.end + 2
    return section
  })
  const document = { ...plain('x'), text: pairs.join('\n\n'), sections }
  const chunks = chunk(document, 'en')
  t.ok(chunks.length < 2000, `${chunks.length} chunks`)
  t.strictSame(promisesOf(document, chunks), [])
  t.ok(JSON.stringify(chunks).length < 12 * document.text.length)
})

t.test('a table over several chunks: each has its header, and none ends with the header', async t => {
  const header = '| Branch | Depositors | Borrowers |'
  const rows = Array.from({ length: 120 }, (_, i) => `| Town${i} | ${200 + i} | ${40 + i} |`)
  const document = markdown(`# Bank\n\n${prose(9)}\n\n${header}\n|---|---|---|\n${rows.join('\n')}\n\nAfter it.`)
  const chunks = chunk(document, 'en')
  t.ok(chunks.length > 4)
  for (const { start, end, tableHeader } of chunks) {
    const text = document.text.slice(start, end)
    t.equal(tableHeader, text.startsWith('| Town') ? header : undefined)
    t.notOk(text.endsWith(header))
  }
  t.ok(chunks.filter(each => each.tableHeader !== undefined).length > 2)
  t.strictSame(promisesOf(document, chunks), [])
})

t.test('a header as long as a page is cut before it is repeated', async t => {
  const header = `| ${'wide column | '.repeat(200)}`.trim()
  const rows = `${'| 2 '.repeat(200)}|\n`.repeat(30)
  const document = markdown(`${header}\n${'|---'.repeat(200)}|\n${rows}`)
  const chunks = chunk(document, 'en')
  t.ok(chunks.every(({ tableHeader = '' }) => tableHeader.length <= 600))
  t.strictSame(promisesOf(document, chunks), [])
})
