import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { openDatabase, type Sql } from '../../src/adapters/postgres/database.ts'
import { metadataPath } from '../../src/adapters/postgres/store/filters.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import type { Filters } from '../../src/ask/terms/question.ts'
import { maxMetadataBytes } from '../../src/ingest/bounds.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import { readMigrations } from '../../src/adapters/postgres/migrations/files.ts'
import { adminKey, anyWorld, databaseSettings, eitherWorld, skipReason, startApp, type App } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { leased } from '../support/contents.ts'
import { createDatabase } from '../support/database.ts'
import { fillWithVectors } from '../support/many-vectors.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { until } from '../support/until.ts'

const key = { authorization: `Bearer ${adminKey}` }
const put = async (app: App, documents: readonly object[]) => await app.send('PUT', '/documents', { documents }, key)

/** Metadata whose JSON has so many bytes. */
function ofBytes(bytes: number): { text: string } {
  return { text: 'x'.repeat(bytes - JSON.stringify({ text: '' }).length) }
}

/** Sections that are each a chunk; in a language that the local model does not read, so that none is embedded. */
function sections(count: number, heading = 'Раздел'): string {
  const sentence = 'В библиотеке есть книги о реках, мостах и паромах для её многих читателей. '
  return Array.from({ length: count }, (_, n) => `## ${heading} ${n}\n\n${sentence.repeat(10)}${n}.`).join('\n\n')
}

/** Everything that the tables take, with what is stored beside them and their indexes. */
async function bytesStored(sql: Sql): Promise<number> {
  const [row] =
    await sql`select sum(pg_total_relation_size(oid)) as bytes from pg_class where relname in ('documents', 'chunks', 'collection_terms')`
  return Number(row?.['bytes'])
}

for (const world of eitherWorld) {
  tap.test(`the bound of metadata, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)

    await t.test('16 kB are stored, found by and given back; a byte more is refused with its size', async t => {
      const metadata = { ...ofBytes(maxMetadataBytes - 12), year: 2025 }
      t.equal(JSON.stringify(metadata).length, maxMetadataBytes)
      const { status, json } = await put(app, [{ source: 'full', text: 'Ferries leave at noon.', metadata }])
      t.equal(status, 200)
      t.same((await app.send('GET', `/documents/${json.documents[0].id}`, undefined, key)).json.metadata, metadata)
      const refused = await put(app, [
        { source: 'fits', text: 'x' },
        { source: 'over', text: 'x', metadata: { ...metadata, year: 20_250 } },
      ])
      t.match(refused, {
        status: 400,
        json: {
          code: 'invalid_request',
          errors: [
            {
              pointer: '/documents/1/metadata',
              detail: /^has 16,385 bytes of metadata \(as JSON in UTF-8\), but the limit is 16,384;/,
            },
          ],
        },
      })
      t.match(
        await put(app, [{ source: 'letters', text: 'x', metadata: { text: 'я'.repeat(8200) } }]),
        { status: 400 },
        'bytes are counted, not letters',
      )
    })

    await t.test('front matter counts, alone and with what the sender says', async t => {
      const text = `---\nnote: ${'y'.repeat(9000)}\n---\nFerries.`
      t.match(await put(app, [{ source: 'f', text }]), { status: 200 })
      t.match(await put(app, [{ source: 'f', text, metadata: ofBytes(9000) }]), {
        status: 422,
        json: {
          code: 'document_refused',
          detail: /^Document "f" has 18,\d{3} bytes of metadata .*, but the limit is 16,384/,
        },
      })
      t.match(await put(app, [{ source: 'f', text: `---\nnote: ${'y'.repeat(70_000)}\n---\nx` }]), {
        status: 422,
        json: { code: 'document_refused', detail: /^Document "f" has 70,006 characters of front matter/ },
      })
    })

    await t.test(
      'a body of 1.3 MB, half of it metadata, and one of 8.5 MB are refused, and nothing is stored',
      async t => {
        const before = await leased(app.deps.database, bytesStored)
        for (const [bytes, count] of [
          [650_000, 700],
          [7_800_000, 700],
        ] as const) {
          t.match(await put(app, [{ source: 'large', text: sections(count), metadata: ofBytes(bytes) }]), {
            status: 400,
            json: { errors: [{ pointer: '/documents/0/metadata' }] },
          })
        }
        t.equal(await leased(app.deps.database, bytesStored), before)
        t.match(await app.send('GET', '/livez'), { status: 200 })
      },
    )

    await t.test('as much as may be is kept once, however many chunks there are', async t => {
      const size = async (source: string, metadata: object) => {
        const before = await leased(app.deps.database, bytesStored)
        t.match(await put(app, [{ source, text: sections(200), language: 'ru', metadata }]), {
          status: 200,
          json: { documents: [{ status: 'added' }] },
        })
        return (await leased(app.deps.database, bytesStored)) - before
      }
      // Compressed it would be next to nothing.
      const random = Array.from({ length: 500 }, () => Math.random().toString(36).slice(2, 12))
      const [bare, full] = [await size('bare', {}), await size('with much', { random })]
      t.ok(full - bare < 4 * 16_384 + 10 * 8192, `${full} bytes with metadata, ${bare} without`)
      const [row] = await leased(
        app.deps.database,
        sql => sql`select max(pg_column_size(metadata)) as bytes from chunks`,
      )
      t.ok(Number(row?.['bytes']) < 10, 'the chunks have none of it')
    })

    await t.test('a title and headings without end are not copied into every chunk either', async t => {
      const title = `# ${'Title '.repeat(20_000)}`
      const heading = `## ${'Heading '.repeat(20_000)}`
      const { json } = await put(app, [
        { source: 'headed', text: `${title}\n\n${heading}\n\n${sections(60, 'Часть')}`, language: 'ru' },
        { source: 'named', text: `---\ntitle: ${'Name '.repeat(3000)}\n---\n${sections(60)}`, language: 'ru' },
      ])
      const rows = await leased(
        app.deps.database,
        sql =>
          sql`select max(length(c.title))::int as path, max(length(d.title))::int as title, max(length(c.anchor))::int as anchor from chunks c join documents d on d.id = c.document_id where d.id = any(${json.documents.map((each: { id: string }) => each.id)}::uuid[])`,
      )
      t.ok(rows[0]?.['path'] <= 2000 && rows[0]?.['title'] <= 1000 && rows[0]?.['anchor'] <= 500, JSON.stringify(rows))
    })

    await t.test(
      'what was stored before there was a bound is found and read as ever, and is counted in a finding',
      async t => {
        const { json } = await put(app, [
          { source: 'old', text: 'The harbour of Aktau has a lighthouse.', metadata: { port: 'Aktau' } },
        ])
        const { id } = json.documents[0]
        const old = { port: 'Aktau', note: 'z'.repeat(100_000) }
        const metadata = JSON.stringify(old)
        await leased(
          app.deps.database,
          sql => sql`update documents set metadata = ${metadata}::text::jsonb, hash = 'old' where id = ${id}`,
        )
        // Printed by Postgres it is more than 16 kB, as it was sent it is not.
        const numbers = JSON.stringify({ numbers: Array.from({ length: 8000 }, () => 1) })
        await put(app, [{ source: 'printed', text: 'x', metadata: JSON.parse(numbers) }])
        t.same((await app.send('GET', `/documents/${id}`, undefined, key)).json.metadata, old)
        const { json: found } = await app.send(
          'POST',
          '/search',
          { question: 'Where is a lighthouse?', filters: { port: 'Aktau' } },
          key,
        )
        t.match(found.passages, [{ document_id: id, metadata: old }])
        const finding = async () =>
          (await app.send('GET', '/monitoring/performance-metrics', undefined, key)).json.findings.find(
            ({ code }: { code: string }) => code === 'metadata-large',
          )
        t.match(await until('it is found', finding), {
          culprit: 'database',
          severity: 'info',
          detail: /^1 document has more than 16 kB of metadata/,
        })
        t.match(
          await put(app, [{ source: 'old', text: 'The harbour of Aktau has a lighthouse.', metadata: old }]),
          { status: 400 },
          'as it is it is not loaded again',
        )
        t.match(
          (
            await put(app, [
              { source: 'old', text: 'The harbour of Aktau has a lighthouse.', metadata: { port: 'Aktau' } },
            ])
          ).json.documents,
          [{ status: 'replaced' }],
        )
        await until('it is over', async () => !(await finding()))
      },
    )
  })
}

tap.test('askwell ingest: a file or row with too much is told with its reason, and the rest is loaded', async t => {
  const much = 'x'.repeat(17_000)
  const folder = t.testdir({
    'a.md': `---\nnote: ${much}\n---\nFerries.`,
    'b.md': 'Bridges.',
    'c.jsonl': `{"id": "1", "text": "one"}\n{"id": "2", "text": "two", "metadata": {"note": "${much}"}}\n{"id": "3", "text": "three"}\n`,
    'd.csv': `text,note\none,${much}\ntwo,short\n`,
    'e.html': `<html><head><title>E</title></head><body><p>Rivers.</p></body></html>`,
  })
  writeFileSync(join(folder, 'f.md'), `---\nnote: ${'x'.repeat(70_000)}\n---\nTunnels.`)
  const env = await databaseSettings(t, anyWorld)
  const first = await runCli(['ingest', folder, '--json'], { env })
  t.match(first, { code: 3, json: { documents: 5, faults: 4 } })
  t.match(
    first.stderr,
    /a\.md: has 17,0\d\d bytes of metadata \(as JSON in UTF-8\), but the limit is 16,384; move long texts/,
  )
  t.match(first.stderr, /c\.jsonl:2: has 17,0\d\d bytes of metadata/)
  t.match(first.stderr, /d\.csv:2: has 17,0\d\d bytes of metadata/)
  t.match(first.stderr, /f\.md: has 70,006 characters of front matter, but the limit is 65,536/)
  const all = await runCli(['ingest', join(folder, 'b.md'), '--metadata', `note=${much}`], { env })
  t.match(all, { code: 1, stderr: /b\.md: has 17,0\d\d bytes of metadata/ }, 'what the loader gives counts too')
})

tap.test(
  'a database of the version before: metadata is found by, as its chunks were',
  { skip: postgresSkipReason() },
  async t => {
    const { url } = await createDatabase(t)
    const database = await openDatabase({
      url,
      dataDir: undefined,
      poolSize: 1,
      poolMaxOverflow: 0,
      poolMaxWaiting: 1,
      statementTimeoutMs: 0,
    })
    t.teardown(() => database.close())
    const run = async <T>(work: (sql: Sql) => Promise<T>) => await leased(database, work)
    const files = await readMigrations()
    await run(sql => sql.unsafe('drop schema public cascade; create schema public').simple())
    await run(sql => migrate(sql, { files: files.filter(each => each.name < '000007') }))
    await run(sql => fillWithVectors(sql, 300))
    await run(
      sql => sql`
    insert into documents (id, collection_id, source, hash, title, language, text, metadata)
    select gen_random_uuid(), c.id, 'd' || n, 'x', 'D', 'en', 'A hook.', jsonb_build_object('year', 2000 + n % 26, 'tags', jsonb_build_array('t' || n % 7, 't' || n % 3), 'name', case when n % 2 = 0 then 'O''Brien "x"' end)
    from collections c, generate_series(1, 200) n`,
    )
    await run(
      sql => sql`
    insert into chunks (document_id, collection_id, ordinal, start_at, end_at, title, language, text, terms, length, tokens)
    select id, collection_id, n, 0, 7, 'D', 'en', text, 'hook:1', 1, 2 from documents, generate_series(1, 2) n where source like 'd%'`,
    )
    await run(
      sql =>
        sql`insert into chunk_vectors select c.id, v.model_id, v.collection_id, 0, 0, 7, v.embedding from chunks c, (select * from chunk_vectors limit 1) v where c.text = 'A hook.'`,
    )
    await run(sql => sql`insert into collection_terms select id, 'hook', 700 from collections`)
    await run(sql => sql`update chunks c set metadata = d.metadata from documents d where d.id = c.document_id`)
    const questions: readonly Filters[] = [
      { rare: true },
      { third: false },
      { third: true, rare: false },
      { year: 2007 },
      { year: { gte: 2010, lt: 2015 } },
      { tags: 't1' },
      { tags: { in: ['t0', 't6'] }, year: { gt: 2020 } },
      { name: 'O\'Brien "x"' },
      { nothing: 1 },
    ]
    // As the version before asked.
    const before = await run(async sql => {
      const found: number[][] = []
      for (const each of questions)
        found.push(
          (await sql`select id from chunks where metadata @@ ${metadataPath(each)!}::jsonpath order by id`).map(row =>
            Number(row['id']),
          ),
        )
      return found
    })
    t.match(await run(migrate), { applied: files.filter(each => each.name >= '000007').map(each => each.name) })
    const [model] = await run(sql => sql`select c.id, model_id, chunk_count from collections c`)
    const vector = {
      modelId: Number(model?.['model_id']),
      values: new Float32Array(512).fill(0.5),
      windowsPerChunk: 1,
      efSearch: null,
    }
    const terms = [{ term: 'hook', count: 1, isContent: true, isSpare: false, isCorrectable: false, spellings: [] }]
    for (const [index, filters] of questions.entries()) {
      const query = { collectionId: Number(model?.['id']), chunkCount: 700, terms, vector, filters, limit: 5000 }
      const { candidates, passages } = await createPassageStore(database).search(
        query,
        found => found.slice(0, 3).map(each => each.chunkId),
        { signal: new AbortController().signal, label: 'test' },
      )
      const ids = (arm: 'lexical' | 'vector') =>
        candidates
          .filter(each => each[arm] !== null)
          .map(each => each.chunkId)
          .toSorted((a, b) => a - b)
      t.same(ids('vector'), before[index], `vectors: ${JSON.stringify(filters)}`)
      t.same(ids('lexical'), before[index], `words: ${JSON.stringify(filters)}`)
      for (const { metadata } of passages.values()) t.ok(Object.keys(metadata).length >= 2, 'passages have it')
    }
    t.ok(before.filter(each => each.length > 0).length >= 7)
  },
)
