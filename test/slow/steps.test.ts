import tap from 'tap'
import { createStepCounter } from '../support/steps/count.ts'
import { countNatives } from '../support/steps/natives.ts'
import { shapes } from '../support/steps/shapes.ts'
import type { XmlNode } from '../../src/ingest/readers/xml.ts'

/**
 * Twice the text, at most a little more than twice the steps: nobody can hold the process up with a text that is read
 * again from each of its characters. What is counted are steps and not milliseconds: blocks of our code that ran (V8's
 * precise coverage), steps of every regular expression (run by a matcher that goes back as V8's does, and is held to
 * V8's results), and what searches, copies and spreads go over. Steps of other people's parsers are theirs.
 */
tap.setTimeout(1_800_000)

const counter = createStepCounter()
countNatives()

const { sectionRuns } = await import('../../src/ingest/section-runs.ts')
const { chunk } = await import('../../src/ingest/chunk.ts')
const { compose } = await import('../../src/ingest/readers/compose.ts')
const { cleanLine, cleanText } = await import('../../src/ingest/readers/clean-text.ts')
const { csvRecords } = await import('../../src/ingest/readers/rows/csv-records.ts')
const { readFrontMatter } = await import('../../src/ingest/readers/markdown/front-matter.ts')
const { withoutModuleCode } = await import('../../src/ingest/readers/markdown/module-code.ts')
const { paragraphsOf } = await import('../../src/ingest/readers/pdf/pdf-lines.ts')
const { readText } = await import('../../src/ingest/readers/text.ts')
const { mailText } = await import('../../src/ingest/readers/mail/mail-text.ts')
const { JsonScanner } = await import('../../src/ingest/readers/rows/json-structure.ts')
const { readBlocks } = await import('../../src/ingest/readers/rst/rst-blocks.ts')
const { namesIn } = await import('../../src/ingest/readers/rst/rst-inline.ts')
const { documentFields } = await import('../../src/ingest/readers/rst/rst.ts')
const { readSubtitles } = await import('../../src/ingest/readers/subtitles.ts')
const { flowHtml } = await import('../../src/ingest/readers/word/flow.ts')
const { rtfBlocks } = await import('../../src/ingest/readers/word/rtf-reader.ts')
const { bodyHtml } = await import('../../src/ingest/readers/office/pptx-text.ts')
const { sheetBlocks } = await import('../../src/ingest/readers/office/sheet-text.ts')
const { withoutIncludes } = await import('../../src/ingest/readers/asciidoc.ts')
const { parseXml } = await import('../../src/ingest/readers/xml.ts')
const { splitLong } = await import('../../src/ingest/split-span.ts')
const { analyze, queryTerms } = await import('../../src/text/analyze.ts')
const { countTokens } = await import('../../src/text/count-tokens.ts')
const { fold } = await import('../../src/text/fold.ts')
const { canonicalQuestion: gist } = await import('../../src/text/canonical/canonical.ts')
const { detectLanguage } = await import('../../src/text/language.ts')
const { sentences } = await import('../../src/text/sentences.ts')
const { unitsOf } = await import('../../src/text/units.ts')
const { cite } = await import('../../src/ask/generation/cite.ts')
const { extractFrom } = await import('../../src/ask/generation/extractive.ts')
const { analyzeText } = await import('../../src/ask/retrieval/analyze-question.ts')
const { pack } = await import('../../src/ask/generation/pack.ts')
const { contextOf } = await import('../../src/ask/retrieval/follow-up.ts')
const { promisingUnits } = await import('../../src/ask/retrieval/unit-choice.ts')
const { storyOf } = await import('../../src/ask/retrieval/story.ts')
const { smallTalkOf, withoutGreetings } = await import('../../src/ask/smalltalk/small-talk.ts')
const { syntheticQuestions } = await import('../../src/ask/calibration/synthetic.ts')
const { otherLettersOf, respelled, termsToKnow } = await import('../../src/text/other-letters.ts')
const { clausesOf } = await import('../../src/ask/generation/clauses.ts')
const { delimited: fence } = await import('../../src/ask/generation/delimiters.ts')
const { createCitationMarkers: createMarkers } = await import('../../src/ask/generation/citation-markers.ts')
const { normalised } = await import('../../src/ask/cache/cache-key.ts')
const { readCacheDirectives: cacheWishes } = await import('../../src/http/edge/cache-control.ts')
const { createFairQueue } = await import('../../src/resilience/fair-queue.ts')

/** More than twice: for n log n, and for what begins to be done between the two lengths. */
const mostGrowth = 2.6

interface Subject {
  /** UTF-16 units of the shorter text. */
  readonly length: number
  /** Every how manieth shape it is given. */
  readonly every: number
  work(text: string): unknown
}

const document = (text: string, sections: { start: number; end: number; headings: string[] }[] = []) => ({
  text,
  title: 'Title',
  sections,
  source: 'a',
  url: null,
  language: null,
  metadata: {},
})

/** Each line a heading, and nothing below any of them. */
function bareHeadings(text: string) {
  let at = 0
  const sections = text.split('\n').map(line => {
    const start = at
    at += line.length + 1
    return { start, end: at - 1, headings: [line] }
  })
  return document(
    text,
    sections.filter(({ start, end }) => end > start),
  )
}

function passage(text: string) {
  const scores = { lexical: 1, lexicalRank: 1, vector: null, vectorRank: null, fused: 1, coverage: 1 }
  return {
    documentId: 'd',
    chunkId: 'c',
    version: 1,
    source: 's',
    title: text.slice(0, 1000),
    url: null,
    page: null,
    language: 'en',
    text,
    start: 0,
    end: text.length,
    metadata: {},
    windows: [],
    scores,
  }
}

function read(text: string): void {
  const [markers, inPieces] = [createMarkers(5), createMarkers(5)]
  markers.push(text)
  markers.end()
  for (let at = 0; at < text.length; at += 7) inPieces.push(text.slice(at, at + 7))
  inPieces.end()
}

async function csv(text: string): Promise<void> {
  const lines = ['a,b,c', ...text.split('\n')].map((line, i) => ({ number: i + 1, text: line }))
  for await (const record of csvRecords(
    (async function* () {
      yield* lines
    })(),
  ))
    void record
}

function pdf(text: string): void {
  paragraphsOf(
    text.split('\n').map((line, i) => ({ text: line, x: 50, right: 500, y: 10_000 - i * 10, size: 9 })),
    10,
  )
}

function rst(text: string): void {
  const lines = text.split('\n').map(line => line.trimEnd())
  readBlocks(documentFields(lines).rest, namesIn(lines))
}

/** Each line a row, with an empty one above it. */
function sheet(text: string): void {
  const rows = text.split('\n').map((line, row) => ({
    row,
    isAfterGap: true,
    cells: line.split(' ').map((cell, column) => ({ column, text: cell, isValue: false })),
  }))
  sheetBlocks([{ name: 'a', rows }])
}

/** Each line a numbered paragraph, one level below the one above it. */
function slide(text: string): void {
  const element = (name: string, attributes: Record<string, string>, children: XmlNode[]): XmlNode => ({
    name,
    attributes,
    children,
  })
  const paragraphs = text
    .split('\n')
    .map((line, i) =>
      element('p', {}, [
        element('pPr', { lvl: String(i) }, [element('buAutoNum', {}, [])]),
        element('r', {}, [element('t', {}, [line])]),
      ]),
    )
  bodyHtml({ name: 'txBody', attributes: {}, children: paragraphs }, new Map(), () => false)
}

const blocks = (text: string) =>
  text
    .split('\n')
    .map((line, i) =>
      i % 2 === 0
        ? { kind: 'heading' as const, level: (i % 6) + 1, text: line }
        : { kind: 'text' as const, text: line },
    )

/** The text, each line a unit of its own, is asked for what stands in it. */
function quoted(text: string) {
  const whole = passage(text)
  const lines = Array.from(text.matchAll(/[^\n]+/g), ({ index, 0: line }) => ({
    start: index,
    end: index + line.length,
    similarity: (index % 7) / 10,
  }))
  const asked = analyzeText(`When? ${text.slice(0, 100)}`, 'en')
  const question = { text, collection: 'a', mode: 'fast', topK: 5, filters: {}, language: 'en', history: [] } as const
  return extractFrom({ asked, question, passages: [{ ...whole, units: lines }] })
}

const turn = (content: string) => ({ role: 'user', content }) as const

/** The text in front of a question, behind it, and as what was said before it. */
function conversation(text: string): void {
  for (const asked of [`Hello, ${text}`, `What is it? ${text}`, text]) {
    const question = {
      text: asked,
      collection: 'a',
      mode: 'fast',
      topK: 5,
      filters: {},
      language: 'en',
      history: [],
    } as const
    smallTalkOf(question, { languages: ['en'] })
    withoutGreetings(asked)
  }
  contextOf('and that?', [turn(text), turn(`Hello, ${text}`)], 'en')
}

/** As all of its words were known, and as none was. */
function otherLetters(text: string): void {
  for (const given of [undefined, 'ru']) {
    const ways = otherLettersOf(text, { among: ['ru', 'kk', 'en'], given })
    respelled(text, ways, new Set(termsToKnow(ways)), given)
    respelled(text, ways, new Set(), given)
  }
}

function questionsOf(text: string): void {
  const chunk = { chunkId: 1, documentId: 'd', language: 'en', start: 0 }
  const story = 'The office is open. It closes at five. Cards are made there on Mondays.'
  syntheticQuestions([
    { ...chunk, title: 'Title', text },
    { ...chunk, title: text, text: story },
  ])
}

const limits = { most: 32, mostPerPassage: 8, leastPerPassage: 2 }

const subjects: Readonly<Record<string, Subject>> = {
  'tidying and folding': { length: 1200, every: 7, work: text => [cleanText(text), cleanLine(text), fold(text)] },
  sentences: { length: 1200, every: 7, work: text => sentences(text, 'en') },
  units: { length: 1200, every: 7, work: text => unitsOf(text, { start: 0, end: text.length }, 'und') },
  chunks: { length: 5000, every: 29, work: text => chunk(document(text), 'en') },
  'sections of nothing but headings': { length: 4000, every: 13, work: text => sectionRuns(bareHeadings(text)) },
  splitting: {
    length: 2000,
    every: 11,
    work: text => splitLong(text, { start: 0, end: text.length }, 50, part => part.length),
  },
  tokens: { length: 1500, every: 11, work: countTokens },
  language: { length: 1000, every: 11, work: text => detectLanguage(text) },
  'terms of a document': { length: 1500, every: 7, work: text => analyze(text, 'en') },
  'terms of a question': { length: 1500, every: 7, work: text => queryTerms(analyze(text, 'ru')) },
  'a question as a key': { length: 1500, every: 11, work: normalised },
  ...Object.fromEntries(
    ['en', 'ru', 'it', 'kk', 'vi', 'fr'].map(language => [
      `gist, ${language}`,
      { length: 450, every: 13, work: (text: string) => gist(text, language) },
    ]),
  ),
  'a story': { length: 1500, every: 7, work: text => [storyOf(text, 'en'), storyOf(text.replaceAll('\n', ' '), 'ru')] },
  'a conversation': { length: 1500, every: 7, work: conversation },
  'other letters': { length: 1500, every: 7, work: otherLetters },
  'questions of a chunk': { length: 1500, every: 7, work: questionsOf },
  'units for a reranker': {
    length: 1500,
    every: 7,
    work: text => promisingUnits('When is it?', [passage(text)], limits),
  },
  'passages that are cut': {
    length: 3000,
    every: 11,
    work: text => pack([passage(text)], { question: 'When is it?', maxTokens: 200 }),
  },
  'the words of a model': { length: 1500, every: 5, work: read },
  clauses: { length: 1500, every: 7, work: text => clausesOf(text, 'en') },
  citations: { length: 1500, every: 13, work: text => cite('The pool has 20 connections. [1]', [passage(text)], 'en') },
  'quoted sentences': { length: 1500, every: 11, work: quoted },
  'passages for a model': { length: 1500, every: 5, work: text => fence([passage(text)], 'nonce') },
  'CSV records': { length: 1500, every: 7, work: csv },
  'plain text': { length: 1500, every: 7, work: readText },
  'front matter': { length: 1500, every: 11, work: text => readFrontMatter(`---\n${text.replaceAll('---', '')}`) },
  'code in MDX': { length: 1500, every: 7, work: withoutModuleCode },
  'lines of a PDF': { length: 1500, every: 11, work: pdf },
  'blocks of a document': { length: 1500, every: 11, work: text => compose(blocks(text), { fallbackTitle: 'T' }) },
  reStructuredText: { length: 1500, every: 7, work: rst },
  subtitles: { length: 1500, every: 7, work: text => readSubtitles(`WEBVTT\n\n00:01.000 --> 00:02.000\n${text}`) },
  'Rich Text': { length: 1500, every: 7, work: text => flowHtml(rtfBlocks(Buffer.from(`{\\rtf1 ${text}`))) },
  'the text of a mail': { length: 1500, every: 11, work: mailText },
  'the structure of JSON': { length: 1500, every: 11, work: text => new JsonScanner().push(text) },
  'paragraphs of a slide': { length: 1500, every: 11, work: slide },
  'included files of AsciiDoc': { length: 1500, every: 11, work: withoutIncludes },
  'a namespace of XML': {
    length: 1500,
    every: 29,
    work: text => {
      const uri = encodeURIComponent(text.toWellFormed()).replaceAll('%2F', '/').replaceAll("'", '')
      const attributes = Array.from({ length: text.length / 10 }, (_, i) => `n:a${i}=""`).join(' ')
      return parseXml([Buffer.from(`<a xmlns:n='http://purl.oclc.org/${uri}' ${attributes}/>`)])
    },
  },
  'rows of a sheet': { length: 1500, every: 11, work: sheet },
  'a header': { length: 1500, every: 11, work: cacheWishes },
}

const cellEdges = (count: number) => Array.from({ length: count }, (_, i) => `\\cellx${i * 50}`).join('')

/** Shapes that each were quadratic once: named, so that no choice of shapes leaves them out. */
const once: readonly (readonly [subject: string, text: (length: number) => string])[] = [
  ['a story', length => 'a\n\n'.repeat(length / 3)],
  ['a story', length => 'a, '.repeat(length / 3)],
  ['tidying and folding', length => `a${'\u0301\u0323'.repeat(length / 2)}`],
  ['units', length => '```a\n'.repeat(length / 5)],
  ['sections of nothing but headings', length => 'a\n'.repeat(length / 2)],
  ['the words of a model', length => ' '.repeat(length)],
  ['quoted sentences', length => `| a | when |\n${'| a | 1 |\n'.repeat(length / 10)}`],
  [
    'quoted sentences',
    length => `When it is:\n${Array.from({ length: length / 8 }, (_, i) => `${i + 1}. a`).join('\n')}`,
  ],
  ['quoted sentences', length => 'when."'.repeat(length / 6)],
  ['passages for a model', length => `<${' '.repeat(length)}`],
  ['passages for a model', length => '[1†'.repeat(length / 3)],
  ['CSV records', length => '"a\n'.repeat(length / 3)],
  ['CSV records', length => `${'"a\n'.repeat(length / 3)}"`],
  ['code in MDX', length => '{/*\n```\n~~~a\n'.repeat(length / 13)],
  ['lines of a PDF', length => 'ab-\n'.repeat(length / 4)],
  ['reStructuredText', length => '\n'.repeat(length)],
  ['reStructuredText', length => `${'--a, '.repeat(length / 250)}!`],
  ['reStructuredText', length => `.. list-table::\n\n   *${' '.repeat(length)}x`],
  ['reStructuredText', length => `${'+-'.repeat(length / 2)}+\n${'+-'.repeat(length / 2)}+\n`],
  ['subtitles', length => '<v a'.repeat(length / 4)],
  ['subtitles', length => `<v${' '.repeat(length)}`],
  ['Rich Text', length => `\\trowd${'\\cellx9'.repeat(length / 14)}${'\\cell\\row'.repeat(length / 18)}`],
  ['Rich Text', length => `\\trowd${cellEdges(length / 20)}${'\\cell'.repeat(length / 20)}\\row`],
  ['Rich Text', length => `{\\stylesheet{\\s1 Title;}}${'\\s1 a\\par '.repeat(length / 11)}`],
  ['paragraphs of a slide', length => 'a\n'.repeat(length / 2)],
  ['included files of AsciiDoc', length => 'include::a['.repeat(length / 11)],
  ['a namespace of XML', length => '/'.repeat(length)],
  ['rows of a sheet', length => `${'b '.repeat(length / 4)}\n${'c\n'.repeat(length / 4)}`],
]

tap.test('what took quadratic time once', async t => {
  for (const [name, text] of once) {
    const { growth, steps } = await growthOf(subjects[name]!, text)
    t.ok(growth <= mostGrowth, `${name}: ${steps.join(' → ')}`)
  }
})

for (const [name, subject] of Object.entries(subjects)) {
  tap.test(`${name}: twice the text, no more than ${mostGrowth} times the steps`, async t => {
    const given = shapes.filter((_, i) => i % subject.every === name.length % subject.every)
    await subject.work('Hello, world. Как дела?')
    const steep: string[] = []
    for (const shape of given) {
      const { growth, steps } = await growthOf(subject, shape.text)
      if (growth > mostGrowth) steep.push(`${shape.name}: ${steps.join(' → ')}`)
    }
    t.strictSame(steep, [], `${given.length} shapes`)
  })
}

/** Of the n-th item in a queue: whose it is. */
const callers: Readonly<Record<string, (n: number, length: number) => string>> = {
  'one caller': () => 'a',
  'as many callers as items': String,
  'one long line and many short ones': (n, length) => (n < length / 2 ? 'a' : String(n)),
  'lines of every length': n => String(Math.floor(Math.sqrt(n))),
}

const queueWork: Readonly<Record<string, (queue: ReturnType<typeof filledQueue>) => unknown>> = {
  'the order of all': queue => queue.inOrder(),
  'how many are ahead': queue => queue.ahead('a'),
  'the newest of the longest line': queue => queue.newestOfLongest('z'),
  'the oldest first, until it is empty': queue => taken(queue, false),
  'the newest first, until it is empty': queue => taken(queue, true),
}

function filledQueue(of: (n: number, length: number) => string, length: number) {
  const queue = createFairQueue<{ readonly caller: string }>()
  for (let n = 0; n < length; n++) queue.add({ caller: of(n, length) })
  return queue
}

function taken(queue: ReturnType<typeof filledQueue>, isNewestFirst: boolean): void {
  while (queue.take(() => isNewestFirst)) void 0
}

tap.test(`twice the queue, no more than ${mostGrowth} times the steps`, async t => {
  for (const [shape, callerOf] of Object.entries(callers))
    for (const [name, work] of Object.entries(queueWork)) {
      const steps: number[] = []
      for (const length of [500, 1000, 2000]) {
        const queue = filledQueue(callerOf, length)
        steps.push(await counter.count(() => work(queue)))
      }
      t.ok(steps[2]! <= mostGrowth * steps[1]!, `${shape}, ${name}: ${steps.join(' → ')}`)
    }
})

/** From n to 2n; where something begins just then, and it grows too steeply, also from there to twice that, and again. */
async function growthOf(
  { work, length }: Subject,
  text: (length: number) => string,
): Promise<{ growth: number; steps: number[] }> {
  const steps = [await counter.count(() => work(text(length)))]
  for (let times = 2; times <= 16; times *= 2) {
    steps.push(await counter.count(() => work(text(times * length))))
    if (steps.at(-1)! <= mostGrowth * steps.at(-2)!) break
  }
  return { growth: steps.at(-1)! / steps.at(-2)!, steps }
}
