import t from 'tap'
import { analyzeText } from '../../src/ask/retrieval/analyze-question.ts'
import { searchIn, type Retrieved } from '../../src/ask/retrieval/retrieve.ts'
import type { Arm, Passage } from '../../src/ask/terms/passage.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { askedCollection } from '../../src/wiring/pipeline.ts'
import type { Sql } from '../../src/adapters/postgres/database.ts'
import { adminKey, databaseSettings, eitherWorld, skipReason, startApp, worlds, type App } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { inDatabase, leased } from '../support/contents.ts'
import { runOf } from '../support/run-of.ts'

/** Units of passages: stored, compared with the question, and gone with their chunk. */

const signal = new AbortController().signal
const asAdmin = { authorization: `Bearer ${adminKey}` }

const harbour = `# Harbour

The harbour was built by the town in 1891. Its crane lifts forty tons. Boats of members moor at the northern pier. A lost key of the gate costs thirty francs.

## Winter

Ice closes the basin from January. Heaters keep the pumps warm.`

const cellar = `# Cellar

Barrels lie in three rows. The cooper inspects each of them in spring. Visitors taste two wines.`

async function load(app: App, source: string, text: string): Promise<string> {
  const reply = await app.send('PUT', '/documents', { documents: [{ source, text, title: source }] }, asAdmin)
  if (reply.status !== 200) throw new Error(reply.text)
  return reply.json.documents[0].id
}

async function storedIn(app: App) {
  return await leased(
    app.deps.database,
    sql => sql`
      select d.source, c.ordinal, u.units from chunks c join documents d on d.id = c.document_id
      left join chunk_units u on u.chunk_id = c.id order by d.source, c.ordinal`,
  )
}

interface FoundBy {
  readonly hasUnits?: boolean
  readonly arm?: Arm
  /** As for a model that takes a chunk as one window. */
  readonly areWhole?: boolean
}

async function found(
  app: App,
  question: string,
  { hasUnits = true, arm = 'fused', areWhole = false }: FoundBy = {},
): Promise<Retrieved> {
  const { store, models, database } = app.deps
  const asIs = (await askedCollection(store, models, 'default', signal))!
  const collection = areWhole ? { ...asIs, windowsPerChunk: 1 } : asIs
  const [vector] = await models.embedder.embed([question], signal, 'query')
  const search = searchIn(createPassageStore(database), () => ({ unrelated: 0.35, related: 0.75, span: 0.4 }), {
    fusion: 'weighted',
    rrfK: 60,
    hasUnits,
  })
  const asked = analyzeText(question, 'en')
  return await search({ asked, vector: vector!, vectorWeight: 0.7, arm, collection, filters: {}, topK: 5 }, runOf())
}

const locks = `# Doors

The door has a new lock, and the porter has its key. Visitors ring the bell.`

const textsOf = ({ text, start, units = [] }: Passage) =>
  units.map(unit => text.slice(unit.start - start, unit.end - start))

for (const world of worlds) {
  t.test(`units, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    await load(app, 'harbour', harbour)
    const cellarId = await load(app, 'cellar', cellar)

    await t.test('every sentence of a passage is compared with the question, as its own text would be', async t => {
      const { passages } = await found(app, 'What does it cost to replace a lost key?')
      const passage = passages.find(({ text }) => text.includes('lost key'))!
      t.match(textsOf(passage).slice(0, 4), [
        'The harbour was built by the town in 1891.',
        'Its crane lifts forty tons.',
        'Boats of members moor at the northern pier.',
        'A lost key of the gate costs thirty francs.',
      ])
      const best = passage.units!.toSorted((a, b) => b.similarity! - a.similarity!)[0]!
      t.match(passage.text.slice(best.start - passage.start), /^A lost key/)
      const { embedder } = app.deps.models
      const texts = textsOf(passage).map((text, i) => (i < 4 ? `harbour. ${text}` : `harbour › Winter. ${text}`))
      const [question] = await embedder.embed(['What does it cost to replace a lost key?'], signal, 'query')
      const exact = (await embedder.embed(texts, signal, 'passage')).map(vector =>
        vector.reduce((sum, value, i) => sum + value * question![i]!, 0),
      )
      t.ok(
        passage.units!.every(({ similarity }, i) => Math.abs(similarity! - exact[i]!) < 0.02),
        'within the tolerance',
      )
    })

    await t.test('without units a passage has none', async t => {
      const { passages } = await found(app, 'lost key', { hasUnits: false })
      t.ok(passages.length > 0)
      t.ok(passages.every(({ units }) => units === undefined))
    })

    await t.test(
      'a passage whose sentence answers is first, where its surroundings hide it from the vectors',
      async t => {
        await load(app, 'locks', locks)
        const question = 'How much must I pay if I lose my key?'
        const firstOf = async (hasUnits: boolean) =>
          (await found(app, question, { hasUnits, arm: 'vector', areWhole: true })).passages[0]?.source
        t.equal(await firstOf(false), 'locks')
        t.equal(await firstOf(true), 'harbour')
      },
    )

    await t.test('GET /collections counts the chunks with units', async t => {
      const { collections } = (await app.send('GET', '/collections', undefined, asAdmin)).json
      t.equal(collections[0].unit_chunk_count, collections[0].chunk_count)
    })

    await t.test('a passage without units, or with broken ones, is found all the same', async t => {
      await leased(app.deps.database, sql => sql`update chunk_units set units = decode('01040180', 'hex')`)
      const { passages } = await found(app, 'Who inspects the barrels?')
      t.match(passages[0], { source: 'cellar' })
      t.ok(passages.every(({ units }) => units === undefined))
      t.match((await app.ask({ question: 'Who inspects the barrels?' })).json.answer, /cooper/)
    })

    await t.test('they go with their document, and come anew with its next version', async t => {
      await app.send('DELETE', `/documents/${cellarId}`, undefined, asAdmin)
      t.ok((await storedIn(app)).every(({ source }) => source !== 'cellar'))
      const orphans = await leased(
        app.deps.database,
        sql => sql`select from chunk_units u where not exists (select from chunks c where c.id = u.chunk_id)`,
      )
      t.equal(orphans.length, 0)
      await load(app, 'harbour', `${harbour} Swans stay.`)
      const anew = (await storedIn(app)).filter(({ source }) => source === 'harbour')
      t.ok(anew.every(({ units }) => (units as Uint8Array).length > 100))
    })
  })
}

for (const world of eitherWorld) {
  t.test(`askwell reembed with units, ${world}`, { skip: skipReason(world) }, async t => {
    const env = { ...(await databaseSettings(t, world)), EMBEDDING_MODEL: 'local' }
    const cwd = t.testdir({
      'harbour.md': harbour,
      'cellar.md': cellar,
      'locks.md': locks,
      'фонарь.md': 'Фонарь горит ночью.',
    })
    const run = async (args: readonly string[], settings = {}) =>
      await runCli(args, { env: { ...env, ...settings }, cwd })
    const stored = async () =>
      await inDatabase(
        env,
        sql => sql`
          select d.source, d.collection_id, md5(u.units) as units from chunk_units u join chunks c on c.id = u.chunk_id
          join documents d on d.id = c.document_id order by 2, 1`,
      )

    await t.test('loaded while they are off: nothing is stored, and it answers', async t => {
      t.match(await run(['ingest', '.'], { EMBEDDING_UNITS: 'off' }), { code: 0, stdout: /4 chunks written\n/ })
      t.same(await stored(), [])
      t.match(await run(['ask', 'What does a lost key cost?'], { EMBEDDING_UNITS: 'off' }), { stdout: /thirty francs/ })
    })

    await t.test('too many chunks: they are left out, and that is said', async t => {
      t.match(await run(['reembed'], { EMBEDDING_UNITS_MAX_CHUNKS: '3' }), {
        code: 0,
        stdout: 'default: 0 chunks re-embedded with use-lite-en\n',
        stderr:
          /without units: the collection has 4 chunks, and EMBEDDING_UNITS_MAX_CHUNKS is 3: raise it, then run askwell reembed\n/,
      })
      t.match(await run(['ingest', 'locks.md', '-c', 'other'], { EMBEDDING_UNITS_MAX_CHUNKS: '1' }), {
        stdout: /1 chunk written\n/,
      })
      t.match(await run(['ingest', 'cellar.md', '-c', 'other'], { EMBEDDING_UNITS_MAX_CHUNKS: '1' }), {
        stdout: /1 chunk written; 1 without units \(raise EMBEDDING_UNITS_MAX_CHUNKS, then run askwell reembed\)\n/,
      })
      t.match(await run(['reembed', '-c', 'other']), {
        stdout: 'other: the units of 1 chunk embedded with use-lite-en\n',
      })
      await run(['reembed', '-c', 'other'])
    })

    await t.test('the missing ones are made, of what the model reads, and only they', async t => {
      const before = await inDatabase(env, epochOf)
      t.match(await run(['reembed', '--json']), { code: 0, json: { chunks: 0, unit_chunks: 3 } })
      t.ok((await inDatabase(env, epochOf)) > before, 'answers without them are not used again')
      const filled = await stored()
      await run(['reindex', '--all'])
      t.same(await stored(), filled, 'as loading them makes them')
      t.match(
        await run(['reembed']),
        { stdout: 'default: 0 chunks re-embedded with use-lite-en\n' },
        'nothing is missing',
      )
    })
  })
}

async function epochOf(sql: Sql): Promise<number> {
  const [row] = await sql`select epoch from collections where name = 'default'`
  return Number(row?.['epoch'])
}
