import tap, { type Test } from 'tap'
import { adminKey, databaseSettings, skipReason, startApp, worlds, type App, type World } from '../support/app.ts'
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
