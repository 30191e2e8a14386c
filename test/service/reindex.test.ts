import { randomBytes } from 'node:crypto'
import tap, { type Test } from 'tap'
import { openModels } from '../../src/adapters/models/models.ts'
import { openDatabase, type Sql } from '../../src/adapters/postgres/database.ts'
import { rowFault } from '../../src/adapters/postgres/errors.ts'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { isOutdated } from '../../src/adapters/postgres/store/outdated.ts'
import { createReindexStore } from '../../src/adapters/postgres/store/reindexing.ts'
import { readConfig } from '../../src/config/config.ts'
import { embedEach } from '../../src/ingest/embed-each.ts'
import { namedModel } from '../../src/ingest/named-model.ts'
import { documentId, preparationMarks } from '../../src/ingest/prepare.ts'
import { reindex } from '../../src/ingest/reindex.ts'
import { openPreparing } from '../../src/wiring/prepare-pool.ts'
import {
  adminKey,
  databaseSettings,
  eitherWorld,
  skipReason,
  startApp,
  worlds,
  type App,
  type World,
} from '../support/app.ts'
import { runCli, startCli } from '../support/cli.ts'
import { contentsOf, inDatabase } from '../support/contents.ts'
import { makeDatabaseOf020 } from '../support/old-schema.ts'
import { until } from '../support/until.ts'

type Settings = Readonly<Record<string, string>>

const key = { authorization: `Bearer ${adminKey}` }

async function settingsIn(t: Test, world: World): Promise<Settings> {
  return { ...(await databaseSettings(t, world)), EMBEDDING_MODEL: 'local' }
}

async function put(app: App, documents: readonly object[]) {
  return await app.send('PUT', '/documents', { documents }, key)
}

async function countsIn(app: App) {
  const [collection] = (await app.send('GET', '/collections', undefined, key)).json.collections
  return { outdated: collection.outdated_count, storedText: collection.stored_text_count }
}

for (const world of worlds) {
  tap.test(`a database of version 0.2.0, ${world}`, { skip: skipReason(world) }, async t => {
    const env = await settingsIn(t, world)
    await makeDatabaseOf020(env)
    const questions = [
      ['How long are books lent?', /thirty days/],
      ['When is the canteen open?', /eleven to three/],
      ['Where can I park?', /Behind the main hall/],
      ['Когда платят стипендию?', /пятнадцатого/],
    ] as const
    const asked = async (app: App) => {
      for (const [question, answer] of questions) t.match((await app.ask({ question })).json, { answer }, question)
    }

    await t.test('upgraded: it answers as before, and says that its documents are outdated', async t => {
      const app = await startApp(t, world, { ...env })
      await asked(app)
      t.same(await countsIn(app), { outdated: 6, storedText: 0 })
      const finding = async () =>
        (await app.send('GET', '/monitoring/performance-metrics', undefined, key)).json.findings.find(
          ({ code }: { code: string }) => code === 'documents-outdated',
        )
      t.match(await until('it is found', finding), {
        severity: 'info',
        detail: /^6 documents were prepared by an older/,
      })
      await app.stop()
    })

    await t.test('reindexed: from the stored text, because nothing else was kept, and once', async t => {
      const { code, json, stderr } = await runCli(['reindex', '--json'], { env })
      t.equal(code, 0, stderr)
      t.match(json, {
        collections: [{ collection: 'default', reindexed: 6, from_stored_text: 6, overtaken: 0, faults: 0 }],
      })
      t.match(await runCli(['reindex'], { env }), { code: 0, stdout: 'default: up to date\n' })
    })

    await t.test(
      'asked again: the same answers, and documents that are loaded again are made from their source',
      async t => {
        const app = await startApp(t, world, { ...env })
        await asked(app)
        t.same(await countsIn(app), { outdated: 0, storedText: 6 })
        const canteen = {
          source: 'canteen',
          title: 'Canteen',
          text: '# Opening hours\n\nThe canteen is open from eleven to three.\n\n# Menu\n\nThere is a vegetarian dish every day.',
          url: 'https://example.org/canteen',
          metadata: { kind: 'food' },
        }
        t.match((await put(app, [canteen])).json.documents, [{ status: 'replaced' }])
        t.match((await put(app, [canteen])).json.documents, [{ status: 'unchanged' }])
        t.same(await countsIn(app), { outdated: 0, storedText: 5 })
        await app.stop()
      },
    )

    await t.test('documents of files are still pruned by the next load of their folder', async t => {
      const cwd = t.testdir({ docs: { 'library.md': '# Library\n\nBooks are lent for thirty days.' } })
      t.match((await runCli(['ingest', 'docs', '--prune', '--json'], { env, cwd })).json, { replaced: 1, removed: 1 })
    })
  })
}

const fees =
  '<h1>Fees</h1><p>The fee of the summer school is 50 euros.</p><h2>Refunds</h2><p>Paid within two weeks.</p>'

const given = [
  { source: 'html', format: 'html', text: fees, metadata: { year: 2026 } },
  { source: 'markdown', title: 'Given title', text: '---\nyear: 2025\n---\n# Heading\n\nThe gate opens at nine.' },
  {
    source: 'text',
    format: 'text',
    text: 'Ворота открывают в девять.',
    language: 'ru',
    url: 'https://example.org/gate',
  },
]

const files = {
  docs: { 'README.md': '# Library\n\nBooks are lent for thirty days.', 'fees.html': fees },
  'faq.csv': 'id,question,answer\nparking,Where can I park?,Behind the main hall.\n',
}

/** What an older version would have stored: another mark, and what it did not read well. */
async function makeOld(env: Settings): Promise<void> {
  await inDatabase(env, async sql => {
    await sql`update originals set hash = '\\x00010000'::bytea || substring(hash from 5)`
    await sql`
      update documents set hash = '\\x00010000'::bytea || substring(hash from 5), title = 'Old title',
        text = case when source like 'faq%' then text else 'Read badly.' end`
    await sql`update chunks set title = 'Old title', text = 'Read badly.', start_at = 0, end_at = 3`
  })
}

/** All that is derived from the documents. Versions differ, and vectors by rounding, with the size of their batch. */
async function storedIn(env: Settings) {
  return await inDatabase(env, async sql => {
    const { documents, vectors, ...rest } = await contentsOf(sql)
    return {
      ...rest,
      documents: documents.map((each): object => ({ ...each, version: 0 })),
      vectors: vectors.map((each): object => ({ ...each, embedding: '' })),
    }
  })
}

async function originalsIn(env: Settings) {
  const rows = await inDatabase(
    env,
    sql => sql`
      select d.source, o.kind, o.hash = d.hash as is_right from originals o left join documents d on d.id = o.document_id
      order by d.source`,
  )
  return rows.map(row => `${row['source']} ${row['kind']} ${row['is_right'] ? 'right' : 'wrong'}`)
}

const keptAll = [
  'docs/README.md file right',
  'docs/fees.html file right',
  'faq.csv#parking sections right',
  'html given right',
  'markdown given right',
  'text given right',
]

for (const world of eitherWorld) {
  tap.test(`what was received is read again, ${world}`, { skip: skipReason(world) }, async t => {
    const env = await settingsIn(t, world)
    const cwd = t.testdir(files)
    const ingest = async () => await runCli(['ingest', 'docs', 'faq.csv', '--metadata', 'kind=x'], { env, cwd })
    t.match(await ingest(), { code: 0 })
    const app = await startApp(t, world, { ...env })
    t.equal((await put(app, given)).status, 200)
    await app.stop()
    const fresh = await storedIn(env)

    await t.test('with the same fields, as if it had been loaded now', async t => {
      t.same(await originalsIn(env), keptAll)
      await makeOld(env)
      const { code, json, stderr } = await runCli(['reindex', '--json'], { env })
      t.equal(code, 0, stderr)
      t.match(json, { collections: [{ reindexed: 6, from_stored_text: 1, faults: 0 }] })
      const stored = await storedIn(env)
      // The row was restored from its text under the title that is stored.
      const notRow = ({ source }: { source?: string }) => source !== 'faq.csv#parking'
      t.same(stored.documents.filter(notRow), fresh.documents.filter(notRow))
      t.same(stored.chunks.filter(notRow), fresh.chunks.filter(notRow))
      t.same(stored.vectors.filter(notRow), fresh.vectors.filter(notRow))
      t.same(await originalsIn(env), keptAll)
    })

    await t.test('the next load finds what was read again unchanged, and the row outdated', async t => {
      t.match(await ingest(), { code: 0, stdout: /^default: 0 added, 1 replaced, 2 unchanged/ })
      t.strictSame(await storedIn(env), fresh)
    })

    await t.test('KEEP_ORIGINALS=sections and =no apply to what is stored with --all', async t => {
      const keep = async (KEEP_ORIGINALS: string) =>
        (await runCli(['reindex', '--all', '--json'], { env: { ...env, KEEP_ORIGINALS } })).json.collections[0]
      t.match(await keep('sections'), { reindexed: 6, from_stored_text: 1 })
      t.same(
        await originalsIn(env),
        keptAll.map(each => each.replace(/file|given/, 'sections')),
      )
      t.match(await keep('no'), { reindexed: 6, from_stored_text: 6 })
      t.same(await originalsIn(env), [])
      const { documents, ...rest } = await storedIn(env)
      t.strictSame(rest, { chunks: fresh.chunks, vectors: fresh.vectors, statistics: fresh.statistics })
      t.equal(documents.length, 6)
    })

    await t.test('deleted documents and collections leave nothing behind, and no reply has what was kept', async t => {
      const app = await startApp(t, world, { ...env })
      t.match((await put(app, given)).json.documents, [
        { status: 'replaced' },
        { status: 'replaced' },
        { status: 'replaced' },
      ])
      const [first] = (await put(app, given)).json.documents
      const { json } = await app.send('GET', `/documents/${first.id}`, undefined, key)
      t.notOk('original' in json || 'content' in json)
      // Of a document that is too large even compressed, the sections are kept.
      const noise = randomBytes(2_200_000).toString('base64')
      const large = { source: 'large', text: `<!-- ${noise} -->\n\n# Part\n\nThe gate opens.` }
      t.match(await put(app, [large]), { status: 200, json: { documents: [{ status: 'added' }] } })
      t.equal((await app.send('DELETE', `/documents/${first.id}`, undefined, key)).status, 204)
      await app.stop()
      t.same(await originalsIn(env), ['large sections right', 'markdown given right', 'text given right'])
      await inDatabase(env, sql => sql`delete from collections`)
      t.same(await originalsIn(env), [])
    })

    await t.test(
      'the language of a short document is detected among those of its collection, as by loading',
      async t => {
        const app = await startApp(t, world, { ...env })
        const rules = 'La biblioteca è aperta tutti i giorni dalle nove alle sei, e chi vuole può prendere dieci libri.'
        for (const document of [
          { source: 'rules', text: rules },
          { source: 'prices', text: 'Listino prezzi\n\nTenda grande 249 euro' },
        ])
          t.equal((await app.send('PUT', '/documents', { collection: 'it', documents: [document] }, key)).status, 200)
        await app.stop()
        const languages = async () =>
          (await inDatabase(env, sql => sql`select language from documents order by source`)).map(
            row => row['language'],
          )
        t.strictSame(await languages(), ['it', 'it'])
        t.match(await runCli(['reindex', '--all'], { env }), { code: 0 })
        t.strictSame(await languages(), ['it', 'it'])
      },
    )
  })
}

tap.test('while others work', { skip: skipReason('postgres') }, async t => {
  const env = await settingsIn(t, 'postgres')
  const rows = Array.from({ length: 300 }, (_, i) => ({
    id: `r${i}`,
    title: `Room ${i}`,
    text: `Room ${i} has ${i + 2} chairs.`,
  }))
  const cwd = t.testdir({ 'rows.jsonl': rows.map(row => JSON.stringify(row)).join('\n') })
  t.match(await runCli(['ingest', 'rows.jsonl'], { env, cwd }), { code: 0 })
  const fresh = await storedIn(env)
  const old = () =>
    inDatabase(env, async sql => {
      await sql`update originals set hash = '\\x00010000'::bytea || substring(hash from 5)`
      await sql`update documents set hash = '\\x00010000'::bytea || substring(hash from 5)`
    })
  /** Rows are restored from their sections, so that their hashes differ. */
  const same = async () => {
    const { documents, ...rest } = await storedIn(env)
    const { documents: _, ...expected } = fresh
    t.strictSame(rest, expected)
    t.equal(documents.length, rows.length)
  }

  await t.test('Ctrl-C, then kill -9: the next run goes on where it was', async t => {
    await old()
    let before = rows.length
    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      const run = startCli(['reindex'], { env })
      run.child.stderr!.on(
        'data',
        (text: Buffer) => /\d+ of \d+ documents/.test(text.toString()) && run.child.kill(signal),
      )
      t.match(await run.finished, { code: signal === 'SIGINT' ? 130 : null })
      const left = (await runLeft()).length
      t.ok(left > 0 && left < before, `${signal}: ${left} of ${before} are left`)
      before = left
    }
    t.match((await runCli(['reindex', '--json'], { env })).json, { collections: [{ reindexed: before, faults: 0 }] })
    await same()
  })

  await t.test('what is outdated is found by its index', async t => {
    const plan = await inDatabase(env, sql =>
      sql.begin(async tx => {
        await tx`set local enable_seqscan = off`
        const query = tx`select from documents d where d.collection_id = 1 and ${isOutdated(tx as unknown as Sql, preparationMarks, tx`(select chunk_mark from collections where id = 1)`)}`
        return await tx`explain ${query}`
      }),
    )
    t.match(JSON.stringify(plan), /documents_preparation/)
  })

  async function runLeft() {
    return await inDatabase(env, sql => sql`select from documents where substring(hash for 4) = '\\x00010000'::bytea`)
  }

  await t.test('two at once harm nothing, and questions are answered meanwhile', async t => {
    await old()
    const app = await startApp(t, 'postgres', { ...env })
    const runs = [startCli(['reindex', '--json'], { env }), startCli(['reindex', '--json'], { env })]
    let isDone = false
    const done = Promise.all(runs.map(({ finished }) => finished)).finally(() => (isDone = true))
    let asked = 0
    for (; !isDone || asked === 0; asked++) {
      const i = (asked * 7) % rows.length
      const { status, json } = await app.send('POST', '/search', { question: `Room ${i}`, top_k: 10 }, key)
      const passage = json.passages?.find(({ source }: { source: string }) => source === `rows.jsonl#r${i}`)
      t.match({ status, passage }, { status: 200, passage: { text: `Room ${i} has ${i + 2} chairs.` } })
    }
    const results = await done
    t.same(
      results.map(({ code }) => code),
      [0, 0],
    )
    const [a, b] = results.map(({ json }) => json.collections[0])
    t.ok(a.reindexed + b.reindexed >= rows.length, 'each document by one of them')
    t.same(await runLeft(), [])
    await same()
    await app.stop()
  })

  await t.test('who writes or deletes a document meanwhile has the last word', async t => {
    await old()
    const app = await startApp(t, 'postgres', { ...env })
    const { finished, release } = await reindexHeld(t, env)
    t.match((await put(app, [{ source: 'rows.jsonl#r0', text: 'Room 0 is closed.' }])).json.documents, [
      { status: 'replaced' },
    ])
    const gone = documentId('default', 'rows.jsonl#r1')
    t.equal((await app.send('DELETE', `/documents/${gone}`, undefined, key)).status, 204)
    release()
    t.match(await finished, { reindexed: rows.length - 2, overtaken: 2, faults: 0 })
    t.equal((await app.send('GET', `/documents/${gone}`, undefined, key)).status, 404)
    t.match((await app.send('GET', `/documents/${documentId('default', 'rows.jsonl#r0')}`, undefined, key)).json, {
      text: 'Room 0 is closed.',
    })
    await app.stop()
  })

  await t.test('changed chunk settings apply to all documents, and to those that were written before', async t => {
    await old()
    const { finished, release } = await reindexHeld(t, env)
    t.match(await runCli(['chunking', '--size', '60'], { env }), { code: 0 })
    release()
    t.match(await finished, { overtaken: 0, faults: 0 })
    const left = await inDatabase(
      env,
      sql =>
        sql`select from documents d join collections c on c.id = d.collection_id where substring(d.hash from 3 for 2) <> c.chunk_mark`,
    )
    t.equal(left.length, 0)
  })

  await t.test('a collection that is deleted before its turn is not created again', async t => {
    t.match(await runCli(['ingest', 'rows.jsonl', '-c', 'other'], { env, cwd }), { code: 0 })
    await old()
    const run = startCli(['reindex', '--json'], { env })
    const deleted = Promise.withResolvers<unknown>()
    run.child.stderr!.once('data', () =>
      deleted.resolve(inDatabase(env, sql => sql`delete from collections where name = 'other'`)),
    )
    const { code, json } = await run.finished
    await deleted.promise
    t.equal(code, 3)
    t.match(json.collections, [{ faults: 0 }, { collection: 'other', error: 'Collection "other" was just deleted.' }])
    t.strictSame([...(await inDatabase(env, sql => sql`select name from collections`))], [{ name: 'default' }])
  })
})

/** A run that has prepared its first documents and waits before it writes them. */
async function reindexHeld(t: Test, env: Settings) {
  const config = readConfig(env)
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
  const { signal } = new AbortController()
  const database = await openDatabase({ ...config.database, statementTimeoutMs: 0 })
  const models = await openModels(config.models)
  const preparing = openPreparing(config.prepare)
  const place = preparing.enter(0)
  const { embedder } = models
  const finished = reindex(
    'default',
    {
      store: createReindexStore(database, createDocumentStore(database), { marks: preparationMarks, signal }),
      prepare: async (document, collection, aborted) =>
        await preparing.restored(embedder, document, { place, signal: aborted, collection }),
      embed: async (...args) => {
        reach()
        await held
        return await embedEach(embedder)(...args)
      },
      rowFault,
      model: namedModel(embedder),
    },
    { signal },
  ).finally(async () => {
    place.leave()
    await preparing.close()
    await models.close()
    await database.close()
  })
  t.teardown(() => finished.catch(() => {}))
  await reached
  return { finished, release }
}
