import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { openBm25 } from '../../src/adapters/postgres/store/textsearch.ts'
import type { Filters } from '../../src/ask/terms/question.ts'
import { analyzeQuestion } from '../../src/ask/retrieval/analyze-question.ts'
import t from 'tap'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'
import type { Candidate } from '../../src/ask/retrieval/passage-search.ts'

/** The lexical arm on both databases: correction of unknown words, statistics after deletes, both ways to find words. */

t.setTimeout(1_800_000)

const admin = { authorization: `Bearer ${adminKey}` }

/** A corpus whose words and lengths vary; deterministic. */
function library(count: number) {
  const things = [
    'harbour',
    'orchard',
    'museum',
    'theatre',
    'stadium',
    'market',
    'lighthouse',
    'observatory',
    'aquarium',
    'monastery',
  ]
  const matters = [
    'tickets',
    'parking',
    'guides',
    'lockers',
    'refunds',
    'discounts',
    'photography',
    'wheelchairs',
    'restaurants',
  ]
  return Array.from({ length: count }, (_, i) => {
    const [thing, other] = [things[i % 10]!, things[(i * 3 + 1) % 10]!]
    const sentences = Array.from(
      { length: 1 + (i % 4) },
      (_, s) => `The ${s % 2 ? other : thing} keeps ${matters[(i + s * 5) % 9]} and ${matters[(i * 2 + s) % 9]}.`,
    )
    return { source: `d${i}`, title: `Page ${i}`, text: sentences.join(' '), language: 'en' }
  })
}

async function put(app: App, collection: string, documents: readonly object[]): Promise<void> {
  const { status } = await app.send('PUT', '/documents', { collection, documents }, admin)
  t.equal(status, 200)
}

type Found = readonly { readonly source: string; readonly lexical: number; readonly coverage: number }[]

/** What the lexical arm alone says, best first. */
async function lexical(
  app: App,
  name: string,
  question: string,
  {
    bm25 = 'portable',
    filters = {},
    language = 'en',
  }: {
    readonly bm25?: 'portable' | 'pg_textsearch'
    readonly filters?: Filters
    readonly language?: string
  } = {},
): Promise<Found> {
  const { database } = app.deps
  const collection = await createCollectionStore(database).collection(name)
  if (!collection) throw new Error(`no collection ${name}`)
  const { id, chunkCount, languages } = collection
  const { terms } = analyzeQuestion({ text: question, language, history: [] } as never, { languages } as never)
  let best: readonly Candidate[] = []
  const keep = (candidates: readonly Candidate[]) => {
    best = candidates.toSorted((a, b) => b.lexical! - a.lexical! || a.chunkId - b.chunkId)
    return best.map(each => each.chunkId)
  }
  const signal = new AbortController().signal
  const { passages } = await createPassageStore(database, bm25).search(
    { collectionId: id, chunkCount, terms, vector: null, filters, limit: 50 },
    keep,
    { signal, label: 'test' },
  )
  return best.map(each => ({
    source: passages.get(each.chunkId)!.source,
    lexical: each.lexical!,
    coverage: each.coverage,
  }))
}

const joinedDocuments = [
  { source: 'wifi', language: 'en', text: 'The wifi is free in every room.' },
  { source: 'signup', language: 'en', text: 'Readers sign up for courses at the desk.' },
  { source: 'c', language: 'en', text: 'The course on C begins on Monday.' },
  { source: 'cpp', language: 'en', text: 'The course on C++ begins on Friday.' },
]
const compoundDocuments = [
  { source: 'ausweis', language: 'de', text: 'Der Ausweis gilt ein Jahr.' },
  { source: 'bibliotheksausweis', language: 'de', text: 'Der Bibliotheksausweis gilt ein Jahr.' },
  { source: 'wohnung', language: 'de', text: 'Die Kosten der Wohnung trägt der Mieter.' },
]

const sources = (found: Found) => found.map(each => each.source)
const questions = [
  'Are there lockers in the lighthouse?',
  'theatre discounts',
  'Which photography does the monastery keep?',
  'refunds refunds parking',
  'aquarium restaurants and museum guides',
]

for (const world of worlds) {
  t.test(`words, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    await put(app, 'pages', library(45))

    await t.test('a word that no document has is read as one spelled nearly so, and weighs less', async t => {
      for (const typed of ['observatry', 'obsevratory', 'obserwatory', 'observatoryy']) {
        const [right, wrong] = [await lexical(app, 'pages', 'observatory'), await lexical(app, 'pages', typed)]
        t.same(new Set(sources(wrong)), new Set(sources(right)), typed)
        t.ok(wrong[0]!.lexical < right[0]!.lexical, 'below the exact word')
      }
      t.same(await lexical(app, 'pages', 'qzxwvyk'), [], 'like no word there is: nothing')
    })

    await t.test('words written joined or apart are found either way, and only where a document has them', async t => {
      await put(app, 'joined', joinedDocuments)
      const best = async (question: string) => (await lexical(app, 'joined', question))[0]
      t.match(await best('wi fi'), { source: 'wifi', coverage: 1 })
      t.match(await best('wi-fi'), { source: 'wifi', coverage: 1 })
      t.match(await best('signup'), { source: 'signup', coverage: 1 })
      t.match(await best('sign-up'), { source: 'signup', coverage: 1 })
      t.match(await best('upsign'), { coverage: 0 }, 'no document has "up sign": at most a slip for "sign"')
      t.same(sources(await lexical(app, 'joined', 'C++')), ['cpp'])
      t.same(sources(await lexical(app, 'joined', 'C')), ['c'])
    })

    await t.test('a German compound is found by its parts, its parts by it, and the word itself is best', async t => {
      const found = async (question: string) => await lexical(app, 'compounds', question, { language: 'de' })
      await put(app, 'compounds', compoundDocuments)
      const card = await found('Ausweis')
      t.same(sources(card), ['ausweis', 'bibliotheksausweis'])
      t.same(
        card.map(each => each.coverage),
        [1, 1],
      )
      t.ok(card[0]!.lexical > card[1]!.lexical, 'the longer word weighs less')
      t.match(await found('Wohnungskosten'), [{ source: 'wohnung', coverage: 1 }])
    })

    await t.test('a word that is known is never read as another', async t => {
      await put(app, 'near', [
        { source: 'contract', text: 'Sign the contract.' },
        { source: 'contact', text: 'Call the contact.' },
      ])
      t.same(sources(await lexical(app, 'near', 'contact')), ['contact'])
      t.same(
        sources(await lexical(app, 'near', 'contrakt')).toSorted(),
        ['contact', 'contract'],
        'neither: both may be meant',
      )
      t.equal((await lexical(app, 'near', 'contrakt'))[0]?.source, 'contract', 'the nearer one first')
    })

    await t.test('numbers are not corrected', async t => {
      await put(app, 'numbers', [{ source: 'a', text: 'Room 20241 is open.' }])
      t.same(sources(await lexical(app, 'numbers', '20242')), [])
    })

    await t.test(
      'after edits and deletes the scores are those of a collection that never had what is gone',
      async t => {
        await put(app, 'grown', [
          ...library(45),
          ...library(40).map(each => ({
            ...each,
            source: `x${each.source}`,
            text: `${each.text} Lockers lockers lighthouse.`,
          })),
        ])
        await put(
          app,
          'grown',
          library(45)
            .slice(0, 20)
            .map(each => ({ ...each, text: 'Something else for a while.' })),
        )
        await put(app, 'grown', library(45).slice(0, 20))
        for (let i = 0; i < 40; i++)
          t.equal(
            (await app.send('DELETE', `/documents/${await idOf(app, 'grown', `xd${i}`)}`, undefined, admin)).status,
            204,
          )
        for (const question of questions) {
          const [grown, fresh] = [await lexical(app, 'grown', question), await lexical(app, 'pages', question)]
          t.same(bySource(grown), bySource(fresh), question)
        }
      },
    )

    await t.test('one collection says nothing of another', async t => {
      await put(app, 'alone', [{ source: 'one', text: 'The lighthouse keeps lockers.' }])
      t.same(sources(await lexical(app, 'alone', questions[0]!)), ['one'])
    })

    await t.test('inside a filter every chunk that passes is scored, however common the words are', async t => {
      const common = Array.from({ length: 700 }, (_, i) => ({
        source: `c${i}`,
        text: `The harbour keeps tickets${i % 2 ? '' : ' and guides'}. Note ${i}.`,
        language: 'en',
        metadata: { part: i % 100 === 7 ? 'quay' : 'town' },
      }))
      for (let i = 0; i < 7; i++) await put(app, 'common', common.slice(i * 100, i * 100 + 100))
      const within = await lexical(app, 'common', 'harbour tickets guides', { filters: { part: 'quay' } })
      t.same(
        sources(within).toSorted(),
        common
          .filter(each => each.metadata.part === 'quay')
          .map(each => each.source)
          .toSorted(),
      )
    })

    await t.test('metacharacters of SQL, tsquery and LIKE are words or nothing', async t => {
      for (const text of [
        "'; drop table chunks; --",
        'a & b | !c <-> d:*',
        '\\',
        "''''",
        '%_%',
        '$1 $$ ${x}',
        '(((',
        'lighthouse:*AB',
        "lock'ers",
      ]) {
        t.ok(Array.isArray(await lexical(app, 'pages', text)), text)
      }
    })

    if (world === 'embedded')
      await t.test('pg_textsearch finds the same chunks with the same scores', async t => {
        await inDatabase(app, sql => openBm25(sql, 'pg_textsearch'))
        const isSame = async (collection: string, question: string, language = 'en') =>
          t.same(
            bySource(await lexical(app, collection, question, { bm25: 'pg_textsearch', language })),
            bySource(await lexical(app, collection, question, { language })),
            `${collection}: ${question}`,
          )
        for (const collection of ['pages', 'grown', 'alone'])
          for (const question of [...questions, 'obsevratory tickts']) await isSame(collection, question)
        for (const question of ['wi fi', 'wi-fi', 'signup', 'C++']) await isSame('joined', question)
        for (const question of ['Ausweis', 'Wohnungskosten']) await isSame('compounds', question, 'de')
        t.same(await lexical(app, 'pages', 'qzxwvyk', { bm25: 'pg_textsearch' }), [])
        t.equal(await inDatabase(app, sql => openBm25(sql, 'auto')), 'pg_textsearch', 'there: used')
        t.equal(
          await inDatabase(app, sql => openBm25(sql, 'portable')),
          'portable',
          'and taken away when it is not wanted',
        )
      })

    if (world === 'postgres')
      await t.test('pg_textsearch asked for where it cannot be had: says what to do', async t => {
        await t.rejects(
          inDatabase(app, sql => openBm25(sql, 'pg_textsearch')),
          { code: 'database_unavailable', detail: /install it .* or set BM25=portable/ },
        )
        t.equal(await inDatabase(app, sql => openBm25(sql, 'auto')), 'portable')
      })
  })
}

/** Scores to nine digits: sums of the same numbers in another order may differ in the last. */
function bySource(found: Found) {
  return Object.fromEntries(
    found.map(({ source, lexical, coverage }) => [source, [lexical.toFixed(9), coverage.toFixed(9)]]),
  )
}

async function inDatabase<T>(app: App, work: (sql: Sql) => Promise<T>): Promise<T> {
  return await app.deps.database.lease({ signal: new AbortController().signal, label: 'test' }, work)
}

async function idOf(app: App, collection: string, source: string): Promise<string> {
  const [row] = await inDatabase(
    app,
    sql =>
      sql`select d.id from documents d join collections c on c.id = d.collection_id where c.name = ${collection} and d.source = ${source}`,
  )
  return String(row?.['id'])
}
