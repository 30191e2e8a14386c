import { randomUUID } from 'node:crypto'
import tap from 'tap'
import { createDocumentStore } from '../../src/adapters/postgres/store/documents.ts'
import { documentId } from '../../src/ingest/prepare.ts'
import { createRunId } from '../../src/ingest/run-id.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import { databaseSettings, eitherWorld, skipReason } from '../support/app.ts'
import { contentsOf, leased } from '../support/contents.ts'

/** Two runs of `askwell ingest --prune` over one folder, as overlapping cron jobs make them. */

for (const world of eitherWorld) {
  tap.test(`a run removes what neither it nor a later run saw, ${world}`, { skip: skipReason(world) }, async t => {
    const { DATABASE_URL: url, DATA_DIR: dataDir } = await databaseSettings(t, world)
    const limits = { poolSize: 2, poolMaxOverflow: 0, poolMaxWaiting: 10, statementTimeoutMs: 30_000 }
    const database = await openDatabase({ url, dataDir, ...limits })
    t.teardown(() => database.close())
    const store = createDocumentStore(database)
    const [kept, gone] = [['docs/a.md', 'docs/b.md'], 'docs/gone.md']
    const target = await store.openCollection('default', { name: 'a model', dimensions: 3 })
    const documents = [...kept, gone].map(source => ({
      id: documentId('default', source),
      source,
      hash: Buffer.from(source),
      title: source,
      url: null,
      language: 'en',
      metadata: {},
      text: source,
      chunks: [],
    }))
    const idOf = new Map(documents.map(({ source, id }) => [source, id]))
    const ids = kept.map(source => idOf.get(source)!)
    const sources = async () =>
      (await leased(database, sql => contentsOf(sql))).documents.map(
        document => (document as { source: string }).source,
      )
    const reset = async (runId: string) => {
      await store.write(target, documents, runId)
      await store.markSeen(
        documents.map(({ id }) => id),
        runId,
      )
    }
    const [first, earlier, later] = [1, 2, 3].map(at => createRunId(at)) as [string, string, string]

    for (const before of [first, randomUUID()]) {
      for (const [what, order] of [
        ['the earlier marks last', [later, earlier]],
        ['the later marks last', [earlier, later]],
      ] as const) {
        for (const pruning of [earlier, later]) {
          await leased(database, sql => sql`update documents set checked_by = null`)
          await reset(before)
          for (const run of order) await store.markSeen(ids, run)
          t.equal(await store.prune(target, { roots: ['docs'], spared: [], runId: pruning }), 1, what)
          t.strictSame(await sources(), kept)
        }
      }
    }

    await t.test('a document written again by the earlier run keeps the mark of the later', async t => {
      await leased(database, sql => sql`update documents set checked_by = ${later}`)
      await leased(database, sql => sql`update documents set hash = ''`)
      await store.write(target, documents, earlier)
      t.equal(
        await store.prune(target, { roots: ['docs'], spared: [], runId: later }),
        1,
        'what only the earlier run saw',
      )
      t.strictSame(await sources(), kept)
    })
  })
}

tap.test('runs are numbered by UUIDs of version 7, in the order of their beginnings', async t => {
  const ids = [0, 1, 255, 1_700_000_000_000, Date.now(), 2 ** 48 - 1].map(at => createRunId(at))
  for (const id of ids) t.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  t.strictSame(ids.toSorted(), ids)
  t.equal(new Set([1, 1, 1].map(at => createRunId(at))).size, 3)
})
