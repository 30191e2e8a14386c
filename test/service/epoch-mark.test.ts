import { execFileSync } from 'node:child_process'
import tap, { type Test } from 'tap'
import { writeWeights } from '../../src/adapters/postgres/store/fusion-weights.ts'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { openReembedding } from '../../src/adapters/postgres/store/reembedding.ts'
import { namedModel } from '../../src/ingest/named-model.ts'
import { adminKey, skipReason, startApp, worlds, type App } from '../support/app.ts'
import { leased } from '../support/contents.ts'
import { handbook, loadHandbook } from '../support/corpus.ts'
import { administer } from '../support/postgres.ts'
import { postgresProgram } from '../support/postgres-programs.ts'
import { until } from '../support/until.ts'

/** An epoch is a number and a mark: the number keeps the order, the mark is never met twice. */

const { signal } = new AbortController()
const asAdmin = { authorization: `Bearer ${adminKey}` }
const question = 'How much does a place in the dormitory cost?'

interface Epoch {
  readonly epoch: number
  readonly epochMark: string
}

async function epochOf({ deps }: App): Promise<Epoch> {
  const { epoch, epochMark } = (await deps.store.collection('default'))!
  return { epoch, epochMark }
}

for (const world of worlds) {
  tap.test(`every write draws a mark, and nothing else does, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world)
    const {
      database,
      store,
      models: { embedder },
    } = app.deps
    await store.openCollection('default', namedModel(embedder))
    const seen = new Set([(await epochOf(app)).epochMark])
    const put = async (documents: readonly object[]) =>
      (await app.send('PUT', '/documents', { collection: 'default', documents }, asAdmin)).json.documents as {
        id: string
      }[]
    let ids: { id: string }[] = []
    const writes: Record<string, () => Promise<unknown>> = {
      'documents added': async () => (ids = await put(handbook)),
      'a document replaced': () => put([{ ...handbook[0], text: 'Another text about grants.' }]),
      'a document deleted': () => app.send('DELETE', `/documents/${ids[0]?.id}`, undefined, asAdmin),
      'answers cleared': () => app.send('DELETE', '/cache?collection=default', undefined, asAdmin),
      'answers of all cleared': () => app.send('DELETE', '/cache', undefined, asAdmin),
      'settings changed': () => store.writeCaching('default', { seconds: 5 }),
      'weights learned': () =>
        leased(database, sql =>
          writeWeights(sql, 'm', [{ language: 'en', vectorWeight: 0.5, questions: 1, span: 0.4 }]),
        ),
      're-embedded': async () => {
        const job = await openReembedding(
          database,
          'default',
          { name: 'another', dimensions: 3, languages: [] },
          signal,
        )
        await job.finish('0')
      },
    }
    for (const [what, write] of Object.entries(writes)) {
      const before = await epochOf(app)
      await write()
      const after = await epochOf(app)
      t.ok(after.epoch > before.epoch, `${what}: the epoch grows`)
      t.notOk(seen.has(after.epochMark), `${what}: a mark that was never there`)
      seen.add(after.epochMark)
    }
    const before = await epochOf(app)
    await app.ask({ question })
    await app.send('DELETE', `/documents/${ids[0]?.id}`, undefined, asAdmin)
    await leased(database, sql => sql`update collections set ef_search = 100, updated_at = now()`)
    t.same(await epochOf(app), before)
    await store.removeCollection('default')
    t.same(await leased(database, sql => sql`select * from epoch_marks`), [])
  })
}

tap.test(
  'a search says when the documents are not, or cease to be, those of its epoch',
  { skip: skipReason('postgres') },
  async t => {
    const app = await startApp(t, 'postgres')
    const url = app.env['DATABASE_URL'] ?? ''
    await loadHandbook(app)
    const collection = (await app.deps.store.collection('default'))!
    const { search } = createPassageStore(app.deps.database)
    const terms = ['dormitori', 'xylophon'].map(term => ({
      term,
      count: 1,
      isContent: true,
      isSpare: false,
      isCorrectable: false,
      spellings: [],
    }))
    /** `between` is done after the candidates were found and before their text is read. */
    const look = async (
      epochMark: string | undefined,
      between: () => unknown = () => {},
      words = terms.slice(0, 1),
    ) => {
      const query = {
        collectionId: collection.id,
        chunkCount: collection.chunkCount,
        terms: words,
        vector: null,
        filters: {},
        limit: 50,
        ...(epochMark !== undefined && { epochMark }),
      }
      const { candidates, passages, isOvertaken } = await search(
        query,
        found => (between(), found.map(({ chunkId }) => chunkId)),
        { signal, label: 'test' },
      )
      return { found: candidates.length, read: passages.size, isOvertaken }
    }
    const run = (text: string) =>
      void execFileSync(postgresProgram('psql'), ['--dbname', url, '--no-psqlrc', '-qc', text], { stdio: 'pipe' })
    const { epochMark } = collection
    const other = '00000000-0000-4000-8000-000000000000'
    const { found } = await look(epochMark)
    t.ok(found > 0)
    t.same(await look(epochMark), { found, read: found, isOvertaken: false })
    t.same(await look(undefined), { found, read: found, isOvertaken: false }, 'nobody asks')
    t.same(await look(other), { found, read: found, isOvertaken: true })
    t.same(await look(epochMark, undefined, terms.slice(1)), { found: 0, read: 0, isOvertaken: false }, 'nothing found')
    t.same(await look(other, undefined, terms.slice(1)), { found: 0, read: 0, isOvertaken: true })
    t.same(await look(epochMark, () => run('update collections set epoch = epoch + 1')), {
      found,
      read: found,
      isOvertaken: true,
    })
    const now = (await app.deps.store.collection('default'))!.epochMark
    const replaceAll = () => run('delete from chunk_vectors; delete from chunk_units; update chunks set id = default')
    let replaced = 0
    t.same(
      await look(now, () => replaced++ === 0 && replaceAll()),
      { found, read: found, isOvertaken: true },
      'replaced documents are searched again',
    )
    t.same(await look(now, replaceAll), { found, read: 0, isOvertaken: true }, 'but not without end')
    t.same(await look(now, () => run('delete from chunks')), { found: 0, read: 0, isOvertaken: true })
    t.same(await look(now, () => run('delete from collections')), { found: 0, read: 0, isOvertaken: false })
    t.same(await look(now), { found: 0, read: 0, isOvertaken: true }, 'the collection is gone')
  },
)

/** The state that a dump would restore. */
async function setBack(url: string, { epoch, epochMark }: Epoch): Promise<void> {
  await administer(url, sql =>
    sql.begin(async tx => {
      await tx`update collections set epoch = ${epoch}`
      await tx`update epoch_marks set mark = ${epochMark}`
    }),
  )
}

tap.test(
  'an answer whose documents changed while they were searched is not there when their old state comes back',
  { skip: skipReason('postgres') },
  async t => {
    for (const [what, asked] of [
      ['an answer', question],
      ['an abstention', 'Who repairs helicopters?'],
    ] as const) {
      await t.test(what, async (t: Test) => {
        const app = await startApp(t, 'postgres', { SEMANTIC_CACHE: 'off' })
        const url = app.env['DATABASE_URL'] ?? ''
        const status = async () => (await app.ask({ question: asked })).json.cache.status as string
        await loadHandbook(app)
        const before = await epochOf(app)
        await administer(url, async writer => {
          const { promise: overtaken, resolve: overtake } = Promise.withResolvers<void>()
          const writing = writer.begin(async tx => {
            await tx`lock table chunks in access exclusive mode`
            await overtaken
            await tx`update collections set epoch = epoch + 1`
          })
          await until('the chunks are held', async () => (await locks(url, true)).length > 0)
          const first = status()
          await until('the search waits for them', async () => (await locks(url, false)).length > 0, { ended: first })
          overtake()
          await writing
          t.equal(await first, 'miss', 'it is given to who asked')
        })
        await setBack(url, before)
        await app.deps.onWritten()
        t.same(await epochOf(app), before)
        t.same([await status(), await status()], ['miss', 'hit'])
      })
    }
  },
)

const locks = (url: string, isGranted: boolean) =>
  administer(
    url,
    sql => sql`
  select from pg_locks where relation = 'chunks'::regclass and granted = ${isGranted} and (mode = 'AccessExclusiveLock' or not granted)`,
  )
