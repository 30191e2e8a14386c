import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { chunk } from '../../../src/ingest/chunk.ts'
import {
  chunkingFault,
  chunkingMark,
  chunkKinds,
  chunkSettings,
  defaultChunking,
} from '../../../src/ingest/chunk-settings.ts'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { splitLong } from '../../../src/ingest/split-span.ts'
import { contentHash } from '../../../src/ingest/prepare.ts'
import type { Chunk, ChunkOverrides, ChunkSettings, SourceDocument } from '../../../src/ingest/terms.ts'
import { countTokens } from '../../../src/text/count-tokens.ts'
import { anyText } from '../../support/any-text.ts'

const markdown = (text: string): SourceDocument => documentFrom({ source: 'doc.md', text })
const plain = (text: string): SourceDocument => documentFrom({ source: 'doc.txt', text, format: 'text' })
const texts = (document: SourceDocument): string[] =>
  chunk(document, 'en').map(({ start, end }) => document.text.slice(start, end))
const sentence = (i: number): string => `Sentence number ${i} tells something about the library and its many readers.`
const prose = (count: number): string => Array.from({ length: count }, (_, i) => sentence(i)).join(' ')

/** What every reader of chunks relies on, whatever the document. */
function promisesOf(
  document: SourceDocument,
  chunks: readonly Chunk[],
  { size, overlap }: ChunkSettings = defaultChunking,
): string[] {
  const broken: string[] = []
  const say = (holds: boolean, promise: string): void => void (holds || broken.push(promise))
  let covered = 0
  chunks.forEach((each, i) => {
    const text = document.text.slice(each.start, each.end)
    say(each.ordinal === i, 'ordinals count up')
    say(text !== '' && text === text.trim(), 'no blanks at the ends, never empty')
    say(text.isWellFormed(), 'no surrogate pair is cut')
    say(each.tokens === countTokens(text) && each.tokens <= size, 'tokens are counted and within the limit')
    say(each.title.startsWith(document.title), 'the title begins with the document’s')
    say(document.text.slice(covered, each.start).trim() === '', 'nothing is left out')
    say(countTokens(document.text.slice(each.start, Math.max(each.start, covered))) <= overlap, 'overlap is bounded')
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

const anySettings = fc
  .record({ size: fc.integer({ min: 50, max: 400 }), share: fc.double({ min: 0, max: 0.5, noNaN: true }) })
  .chain(({ size, share }) =>
    fc.record({
      size: fc.constant(size),
      overlap: fc.constant(Math.floor(size * share)),
      by: fc.constantFrom(...chunkKinds),
    }),
  )

t.test('any settings: nothing is lost, and size and overlap are kept', async () => {
  fc.assert(
    fc.property(body, anySettings, (text, settings) => {
      const document = documentFrom({ source: 'doc', text, format: 'markdown' })
      const broken = promisesOf(document, chunk(document, 'en', settings), settings)
      if (broken.length > 0) throw new Error(broken.join('; '))
    }),
    { numRuns: 200 },
  )
})

const dividedBy = (document: SourceDocument, overrides: ChunkOverrides): string[] =>
  chunk(document, 'en', chunkSettings(overrides)).map(({ start, end }) => document.text.slice(start, end))

t.test('by row: a chunk per row, item, paragraph and block of code, each under its headings', async t => {
  const document = markdown(
    [
      '# Hall',
      '## Fees',
      'Fees are due in May. They are paid once.',
      'There are two kinds:',
      '- A single room costs 90 euros.\n  It has a window.\n- A double room costs 60 euros.',
      '| Room | Price |\n|---|---|\n| North | 90 |\n| South | 60 |',
      '```\npay --now\n\npay --later\n```',
      '## Empty',
      '### Below',
      'Last words.',
    ].join('\n\n'),
  )
  const chunks = chunk(document, 'en', chunkSettings({ by: 'row' }))
  t.strictSame(
    chunks.map(({ start, end, title, tableHeader }) => [
      title,
      document.text.slice(start, end).replaceAll(/\s+/g, ' '),
      tableHeader,
    ]),
    [
      ['Hall › Fees', 'Hall Fees Fees are due in May. They are paid once.', undefined],
      ['Hall › Fees', 'There are two kinds: - A single room costs 90 euros. It has a window.', undefined],
      ['Hall › Fees', '- A double room costs 60 euros.', undefined],
      ['Hall › Fees', '| Room | Price | | North | 90 |', undefined],
      ['Hall › Fees', '| South | 60 |', '| Room | Price |'],
      ['Hall › Fees', '``` pay --now pay --later ```', undefined],
      ['Hall › Empty › Below', 'Empty Below Last words.', undefined],
    ],
  )
})

t.test('by row: a paragraph longer than the size is divided evenly', async t => {
  const chunks = chunk(plain(prose(12)), 'en', chunkSettings({ by: 'row', size: 100 }))
  t.ok(chunks.length > 1)
  for (const each of chunks) t.ok(each.tokens >= 50 && each.tokens <= 100, `${each.tokens} tokens`)
})

t.test('by document: one chunk that keeps its headings, or even parts across headings', async t => {
  const short = markdown('# T\n\n## One\n\nFirst.\n\n## Two\n\nSecond.\n\n### Inner\n\nThird.')
  const [only, ...others] = chunk(short, 'en', chunkSettings({ by: 'document' }))
  t.strictSame(others, [])
  t.match(only, { title: 'T', anchor: 't' })
  t.strictSame(
    only!.sections?.map(each => each.headings),
    [[], ['One'], ['Two'], ['Two', 'Inner']],
  )
  const parts = Array.from({ length: 6 }, (_, i) => `## Part ${i}\n\n${prose(8)}`)
  const long = markdown(`# T\n\n${parts.join('\n\n')}`)
  const tokens = chunk(long, 'en', chunkSettings({ by: 'document' })).map(each => each.tokens)
  t.ok(tokens.length < parts.length, 'a chunk has more than one part')
  t.ok(Math.min(...tokens) > 200, tokens.join())
})

t.test('a chunk of several pages has the page that it begins on', async t => {
  const [a, b] = ['Before the first heading', prose(10)]
  const text = `${a}\n\n${b}`
  const sections = [
    { start: 0, end: a.length, headings: ['A'], page: 1 },
    { start: a.length + 2, end: text.length, headings: [], page: 7 },
  ]
  const document = { ...plain(text), sections }
  t.match(chunk(document, 'en', chunkSettings({ by: 'document', size: 100 }))[0], { page: 1 })
})

t.test('overlap: none if it is 0, more sentences if it is more', async t => {
  const document = plain(prose(60))
  const repeated = (overlap: number) => {
    const chunks = chunk(document, 'en', chunkSettings({ overlap }))
    return chunks.slice(1).map((each, i) => countTokens(document.text.slice(each.start, chunks[i]!.end)))
  }
  t.ok(repeated(0).every(tokens => tokens === 0))
  t.ok(repeated(40).every(tokens => tokens > 0 && tokens <= 40))
  t.ok(
    repeated(150).every(tokens => tokens > 100 && tokens <= 150),
    repeated(150).join(),
  )
})

t.test('a smaller size makes smaller chunks', async t => {
  const document = markdown(`# T\n\n## One\n\n${prose(40)}`)
  const counts = [400, 200, 100, 50].map(size => dividedBy(document, { size }).length)
  t.strictSame(
    counts,
    counts.toSorted((x, y) => x - y),
  )
  t.ok(counts.at(-1)! > 4 * counts[0]!)
})

t.test('settings: what is not set follows from what is, and what does not fit is said', async t => {
  t.strictSame(chunkSettings({}), defaultChunking)
  t.strictSame(chunkSettings({ size: 100 }), { size: 100, overlap: 25, by: 'heading' })
  t.strictSame(chunkSettings({ by: 'row' }), { size: 400, overlap: 0, by: 'row' })
  t.equal(chunkingFault({}), null)
  t.equal(chunkingFault({ size: 50 }), null)
  t.match(chunkingFault({ size: 49 }), /from 50 to 400/)
  t.match(chunkingFault({ size: 401 }), /five chunks must fit a small model/)
  t.match(chunkingFault({ size: 99.5 }), /whole number/)
  t.match(chunkingFault({ size: 60, overlap: 31 }), /at most 30, half the size of 60/)
  t.match(chunkingFault({ overlap: -1 }), /at most 200/)
  t.match(chunkingFault({ by: 'page' as 'row' }), /heading, row, document/)
  t.strictSame(chunkSettings({ size: 100, by: 'page' as 'row' }), defaultChunking, 'of a newer version')
})

t.test('settings are in the mark of a document; the defaults have the mark of earlier documents', async t => {
  const document = plain(prose(3))
  const markOf = (overrides: ChunkOverrides) =>
    contentHash(document, { chunking: chunkSettings(overrides) })
      .subarray(2, 4)
      .toString('hex')
  t.strictSame(contentHash(document), contentHash(document, { chunking: defaultChunking }))
  t.equal(markOf({}), '0000')
  t.equal(markOf({ size: 400, overlap: 40, by: 'heading' }), '0000')
  const others = [
    { size: 399 },
    { overlap: 39 },
    { by: 'row' },
    { by: 'document' },
    { by: 'row', overlap: 40 },
  ] as const
  t.equal(new Set(['0000', ...others.map(markOf)]).size, others.length + 1)
  t.equal(chunkingMark(chunkSettings({ size: 100 })).length, 2)
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
