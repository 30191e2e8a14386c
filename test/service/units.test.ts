import t from 'tap'
import { analyzeText } from '../../src/ask/retrieval/analyze-question.ts'
import { searchIn, type Retrieved } from '../../src/ask/retrieval/retrieve.ts'
import type { Passage } from '../../src/ask/terms.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { askedCollection } from '../../src/wiring/pipeline.ts'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'
import { leased } from '../support/contents.ts'
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

async function found(
  app: App,
  question: string,
  settings: { hasUnits: boolean } = { hasUnits: true },
): Promise<Retrieved> {
  const { store, models, database } = app.deps
  const collection = (await askedCollection(store, models, 'default', signal))!
  const [vector] = await models.embedder.embed([question], signal, 'query')
  const search = searchIn(
    createPassageStore(database),
    { unrelated: 0.35, related: 0.75, span: 0.4 },
    { fusion: 'weighted', rrfK: 60, ...settings },
  )
  const asked = analyzeText(question, 'en')
  return await search(
    { asked, vector: vector!, vectorWeight: 0.7, arm: 'fused', collection, filters: {}, topK: 5 },
    runOf(),
  )
}

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

    await t.test('a passage without units, or with broken ones, is found all the same', async t => {
      await leased(app.deps.database, sql => sql`update chunk_units set units = decode('01040180', 'hex')`)
      const { passages } = await found(app, 'Who inspects the barrels?')
      t.match(passages[0], { source: 'cellar' })
      t.ok(passages.every(({ units }) => units === undefined))
      t.match((await app.ask({ question: 'Who inspects the barrels?' })).json.answer, /cooper/)
    })

    await t.test('they go with their document, and come anew with its next version', async t => {
      await app.send('DELETE', `/documents/${cellarId}`, undefined, asAdmin)
      t.ok((await storedIn(app)).every(({ source }) => source === 'harbour'))
      const orphans = await leased(
        app.deps.database,
        sql => sql`select from chunk_units u where not exists (select from chunks c where c.id = u.chunk_id)`,
      )
      t.equal(orphans.length, 0)
      await load(app, 'harbour', `${harbour} Swans stay.`)
      t.ok((await storedIn(app)).every(({ units }) => (units as Uint8Array).length > 100))
    })
  })
}

t.test('EMBEDDING_UNITS=off: nothing is stored or compared', { skip: skipReason('embedded') }, async t => {
  const app = await startApp(t, 'embedded', { EMBEDDING_UNITS: 'off' })
  await load(app, 'harbour', harbour)
  t.ok((await storedIn(app)).every(({ units }) => units === null))
  t.match((await app.ask({ question: 'What does a lost key cost?' })).json.answer, /thirty francs/)
})
