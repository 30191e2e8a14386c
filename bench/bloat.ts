import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { settingsFor } from '../test/support/model-settings.ts'
import { startModel, type Model } from '../test/support/model.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { load, notice } from './cache/documents.ts'
import { createKeeper, type Keeper } from './cache/keeper.ts'
import { otherCores } from './cache/program.ts'
import { serveAskwell } from './cache/servers.ts'

/**
 * Bloat under edits, with autovacuum's defaults and with a lower scale factor: `node bench/bloat.ts`. Both databases are
 * on one server and get the same edits at the same time, so only the setting differs.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '110' },
    documents: { type: 'string', default: '2000' },
    factor: { type: 'string', default: '0.02' },
  },
})
const [seconds, documents] = [Number(values.seconds), Number(values.documents)]
const tables = ['documents', 'chunks', 'chunk_vectors', 'collection_terms']

async function opened(
  t: Keeper,
  model: Model,
  { url, factor }: { readonly url: string; readonly factor: string | null },
) {
  const { address } = await serveAskwell(
    t,
    { DATABASE_URL: url, ...settingsFor(model, 'test-embedding'), RATE_LIMIT: '0', LOG_LEVEL: 'warn' },
    { cores: otherCores },
  )
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(() => sql.end())
  if (factor !== null)
    for (const table of tables)
      await sql.unsafe(`alter table ${table} set (autovacuum_vacuum_scale_factor = ${factor})`)
  const figures = async () =>
    await sql`
      select relname as table, pg_total_relation_size(relid) / 1024 as kb, n_live_tup::int as live, n_dead_tup::int as dead, autovacuum_count::int as vacuums
      from pg_stat_user_tables where relname = any(${tables}) order by relname`
  const edit = (number: number) =>
    load(address, 'default', [
      { ...notice(number % documents), text: `${notice(number % documents).text} Edition ${number}.` },
    ])
  return { address, figures, edit }
}

const t = createKeeper()
try {
  const server = await startPostgres(t, { settings: { autovacuum: 'on', max_connections: '100' } })
  const admin = postgres(server.adminUrl, { max: 1, onnotice: () => {} })
  t.teardown(() => admin.end())
  await admin`create database other template askwell`
  const other = server.url.replace(/askwell$/, 'other')
  // An embedder that costs nothing, so that the edits are bounded by the database.
  const model = await startModel(t)
  const pair = {
    defaults: await opened(t, model, { url: server.url, factor: null }),
    [`factor ${values.factor}`]: await opened(t, model, { url: other, factor: values.factor }),
  }
  const each = Object.values(pair)
  const first = Array.from({ length: documents }, (_, number) => notice(number))
  await Promise.all(each.map(({ address }) => load(address, 'default', first)))
  const report = async (when: string) => {
    for (const [name, { figures }] of Object.entries(pair)) {
      console.log(`${when}, ${name}`)
      console.table((await figures()).map(row => ({ ...row })))
    }
  }
  await report('before')
  const endsAt = performance.now() + seconds * 1000
  let edits = 0
  for (; performance.now() < endsAt; edits += 4)
    await Promise.all(each.flatMap(({ edit }) => [0, 1, 2, 3].map(more => edit(edits + more))))
  await report(`after ${edits} edits each`)
} finally {
  await t.end()
}
