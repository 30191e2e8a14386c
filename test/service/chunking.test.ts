import tap, { type Test } from 'tap'
import { adminKey, databaseSettings, eitherWorld, skipReason, startApp, type App } from '../support/app.ts'
import { runCli, startCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'

type Settings = Readonly<Record<string, string>>

const key = { authorization: `Bearer ${adminKey}` }

const hall = `# Hall

## Rooms

- A single room costs 90 euros a month.
- A double room costs 60 euros a month.
- A studio costs 140 euros a month.

## Visits

Guests leave before eleven.`

const files = {
  docs: {
    'hall.md': hall,
    'library.md': '# Library\n\n- Books are lent for thirty days.\n- Films are lent for a week.',
  },
}

async function collectionIn(app: App) {
  const { collections } = (await app.send('GET', '/collections', undefined, key)).json
  return collections.find(({ name }: { name: string }) => name === 'default')
}

async function chunksOf(env: Settings, source: string): Promise<string[]> {
  const rows = await inDatabase(
    env,
    sql => sql`
      select c.text from chunks c join documents d on d.id = c.document_id where d.source = ${source} order by c.ordinal`,
  )
  return rows.map(row => String(row['text']))
}

function commandsOf(env: Settings, cwd: string) {
  const run = async (...args: string[]) => await runCli([...args], { env, cwd })
  return { run, chunking: async (...args: string[]) => await run('chunking', ...args) }
}

for (const world of eitherWorld) {
  tap.test(`settings of a collection, ${world}`, { skip: skipReason(world) }, async t => {
    const env = { ...(await databaseSettings(t, world)), EMBEDDING_MODEL: 'local' }
    const cwd = t.testdir(files)
    const { run, chunking } = commandsOf(env, cwd)
    t.match(await run('ingest', 'docs'), { code: 0 })
    const whole = await chunksOf(env, 'docs/hall.md')

    await t.test('are shown, and wrong ones are refused with what to do', async t => {
      t.match(await chunking(), { code: 0, stdout: 'default: at most 400 tokens, overlap 40, by heading\n' })
      t.match(await chunking('--size', '40'), { code: 2, stderr: /Use a whole number from 50 to 400/ })
      t.match(await chunking('--by', 'page'), { code: 2, stderr: /heading, row, document/ })
      t.match(await chunking('--size', '60', '--overlap', '31'), { code: 2, stderr: /at most 30, half the size/ })
      t.match(await chunking('-c', 'other', '--size', '60'), { code: 1, stderr: /other/ })
      t.match((await chunking('--json')).json, { size: 400, overlap: 40, by: 'heading', outdated_count: 0 })
    })

    await t.test('change: documents are outdated until they are reindexed', async t => {
      const { stdout } = await chunking('--by', 'row')
      t.match(stdout, /by row\ndefault: 2 documents are outdated now; .*askwell reindex --collection default/)
      t.strictSame(await chunksOf(env, 'docs/hall.md'), whole, 'nothing is divided yet')
      t.match((await run('reindex', '--json')).json, { collections: [{ reindexed: 2, from_stored_text: 0 }] })
      t.strictSame(await chunksOf(env, 'docs/hall.md'), [
        'Hall\n\nRooms\n\n- A single room costs 90 euros a month.',
        '- A double room costs 60 euros a month.',
        '- A studio costs 140 euros a month.',
        'Visits\n\nGuests leave before eleven.',
      ])
      t.match((await chunking('--json')).json, { by: 'row', overlap: 0, outdated_count: 0 })
      t.match(await run('ingest', 'docs'), { stdout: /0 replaced, 2 unchanged/ })
    })

    await t.test('over HTTP: documents are divided as set, found, and counted when they are not', async t => {
      const app = await startApp(t, world, { ...env })
      const put = async () => (await app.send('PUT', '/documents', { documents: [given] }, key)).json.documents[0]
      const given = { source: 'given', text: '# Canteen\n\n- Soup costs two euros.\n- Tea costs one euro.' }
      t.match(await put(), { status: 'added', chunks: 2 })
      t.match(await put(), { status: 'unchanged' })
      t.match(await collectionIn(app), { chunking: { size: 400, overlap: 0, by: 'row' }, outdated_count: 0 })
      const search = await app.send('POST', '/search', { question: 'What does a studio cost?' }, key)
      t.match(search.json.passages[0], { text: '- A studio costs 140 euros a month.' })
      t.match((await app.ask({ question: 'What does a studio cost?' })).json, { answer: /140 euros/ })
      await app.stop()
      t.match((await chunking('--default', '--by', 'document', '--json')).json, { overlap: 40, outdated_count: 3 })
      const again = await startApp(t, world, { ...env })
      t.match(await collectionIn(again), { chunking: { by: 'document' }, outdated_count: 3 })
      const reput = (await again.send('PUT', '/documents', { documents: [given] }, key)).json.documents[0]
      t.match(reput, { status: 'replaced', chunks: 1 })
      t.match(await collectionIn(again), { outdated_count: 2 })
      await again.stop()
    })

    await t.test('the next load prepares again too, and the defaults divide as before', async t => {
      t.match(await run('ingest', 'docs'), { stdout: /2 replaced, 0 unchanged/ })
      t.equal((await chunksOf(env, 'docs/hall.md')).length, 1)
      t.match((await chunking('--default', '--json')).json, { size: 400, overlap: 40, by: 'heading' })
      t.match(await run('ingest', 'docs'), { stdout: /2 replaced, 0 unchanged/ })
      t.strictSame(await chunksOf(env, 'docs/hall.md'), whole)
    })
  })
}

tap.test('documents written during a change are right', { skip: skipReason('postgres') }, async t => {
  const env = { ...(await databaseSettings(t, 'postgres')), EMBEDDING_MODEL: 'local' }
  const app = await startApp(t, 'postgres', { ...env })
  const document = (i: number, round: number) => ({
    source: `d${i}`,
    text: `# Hall ${i}\n\n- Round ${round}.\n- Item ${i}.`,
  })
  const put = async (i: number, round: number) =>
    await app.send('PUT', '/documents', { documents: [document(i, round)] }, key)
  t.match(await put(0, 0), { status: 200 })
  for (const [round, by] of (['row', 'document'] as const).entries()) {
    const change = startCli(['chunking', '--by', by], { env })
    const puts: Promise<{ status: number }>[] = []
    let isDone = false
    void change.finished.then(() => (isDone = true))
    for (let i = 0; !isDone || i < 8; i++) {
      puts.push(put(i % 40, round))
      if (puts.length % 4 === 0) await Promise.all(puts.slice(-4))
    }
    t.match(await change.finished, { code: 0 })
    for (const { status } of await Promise.all(puts)) t.equal(status, 200)
    await checkDivided(t, app, env, by)
  }
  await app.stop()
})

/** Documents that are not outdated have a chunk per item by row and one chunk by document. */
async function checkDivided(t: Test, app: App, env: Settings, by: 'row' | 'document'): Promise<void> {
  const rows = await inDatabase(
    env,
    sql => sql`
      select (select count(*)::int from chunks k where k.document_id = d.id) as chunks, substring(d.hash from 3 for 2) = c.chunk_mark as is_current
      from documents d join collections c on c.id = d.collection_id`,
  )
  const wanted = by === 'row' ? 2 : 1
  for (const row of rows) t.equal(row['chunks'] === wanted, row['is_current'], JSON.stringify(row))
  t.equal((await collectionIn(app)).outdated_count, rows.filter(row => row['is_current'] === false).length)
  t.match(await runCli(['reindex'], { env }), { code: 0 })
  t.match(await collectionIn(app), { outdated_count: 0 })
}
