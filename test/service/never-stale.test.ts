import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { adminKey, skipReason } from '../support/app.ts'
import { atLeast } from '../support/at-least.ts'
import { runCli } from '../support/cli.ts'
import { createDatabase } from '../support/database.ts'
import { settingsFor } from '../support/model-settings.ts'
import { until } from '../support/until.ts'
import { startModel } from '../support/model.ts'
import { administer } from '../support/postgres.ts'
import { redisSkipReason, startRedis } from '../support/redis.ts'
import { startReplicas, type Replica } from '../support/replicas.ts'
import { emptyFolder } from '../support/service.ts'

/**
 * The promise that a cache is worth nothing without: whoever asks after a write was answered gets nothing from before
 * it, on any replica. Each document says how often it was written; each answer is held against what was over when
 * its question was sent.
 */

const topics = ['falconry', 'pottery', 'welding'] as const
/** Written by `askwell ingest`, deleted by `--prune`. */
const ofFiles = 'beekeeping' as const
/** Asked by callers who take old answers. */
const ofOldAnswers = 'weaving' as const
type Topic = (typeof topics)[number] | typeof ofFiles | typeof ofOldAnswers

const textOf = (topic: Topic, count: number) =>
  `# The ${topic} course\n\nThe fee of the ${topic} course is ${count} coins.`
const authorized = { authorization: `Bearer ${adminKey}` }

interface World {
  readonly replicas: readonly Replica[]
  readonly settings: Record<string, string>
}

async function setUp(t: Test, count: number, redisUrl?: string): Promise<World> {
  const [model, { url }] = await Promise.all([startModel(t), createDatabase(t)])
  const settings: Record<string, string> = {
    ...settingsFor(model, 'test-embedding'),
    CHAT_MODEL: 'none',
    SEMANTIC_CACHE: 'off',
    DATABASE_URL: url,
    // A busy machine may take the database for one that is away; then an old answer would be given, which says so.
    STALE_IF_ERROR_SECONDS: '0',
    ...(redisUrl ? { REDIS_URL: redisUrl, REDIS_TIMEOUT_MS: '500' } : {}),
  }
  return { settings, replicas: await startReplicas(t, count, settings) }
}

/** What may be cited at the least, by topic: what was written last, or after a deletion what may be written next. */
function createLedger() {
  const least = new Map<string, number>()
  const wrong: string[] = []
  /** How often, by topic and number. */
  const seen = new Map<string, Map<number, number>>()
  const timesSeen = (topic: string, count: number) => seen.get(topic)?.get(count) ?? 0
  const statuses = new Map<string, number>()
  return {
    wrong,
    seen,
    statuses,
    isOver: (topic: Topic, count: number) => void least.set(topic, count),
    now: () => new Map(least),
    /** An answer to a question that was sent when `before` was over. */
    check(
      before: ReadonlyMap<string, number>,
      json: {
        readonly answer: string
        readonly citations: readonly { readonly quote: string }[]
        readonly cache: { readonly status: string }
      },
    ): void {
      statuses.set(json.cache.status, (statuses.get(json.cache.status) ?? 0) + 1)
      if (json.cache.status === 'stale') return // only who takes old answers gets these
      const said = [json.answer, ...json.citations.map(({ quote }) => quote)].join('\n')
      for (const [, topic = '', count] of said.matchAll(/fee of the (\w+) course is (\d+) coins/g)) {
        if (Number(count) < (before.get(topic) ?? 0))
          wrong.push(`${topic}: ${count} after ${before.get(topic)} (${JSON.stringify(json.cache)})`)
        seen.set(topic, (seen.get(topic) ?? new Map()).set(Number(count), timesSeen(topic, Number(count)) + 1))
      }
    },
    /** A dozen answers have it: so many are asked on each replica that some are remembered ones. */
    isSeen: (topic: Topic, count: number) =>
      until(`${topic} ${count} is seen a dozen times`, () => timesSeen(topic, count) >= 12, {
        progress: () => timesSeen(topic, count),
      }),
  }
}

type Ledger = ReturnType<typeof createLedger>

/** Between two questions of a client: without it a dozen of them take the whole machine from the writers. */
const pauseMs = 20

/** Asks one thing again and again, until told to end. */
async function asking(
  { ask }: Replica,
  { topic, headers }: { readonly topic: Topic; readonly headers?: Record<string, string> },
  ledger: Ledger,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const before = ledger.now()
    const { status, json } = await ask({ question: `What is the fee of the ${topic} course?` }, headers)
    if (status !== 200) ledger.wrong.push(JSON.stringify(json))
    else ledger.check(before, json)
    await atLeast(pauseMs)
  }
}

/** Writes, deletes and writes again, each time through another replica. */
async function editing(
  replicas: readonly Replica[],
  topic: Topic,
  ledger: Ledger,
  { writes, isAsked = true }: { readonly writes: number; readonly isAsked?: boolean },
): Promise<void> {
  for (let count = 1; count <= writes; count += 1) {
    const { send } = replicas[count % replicas.length]!
    const documents = [{ source: topic, title: topic, text: textOf(topic, count) }]
    const { status, json } = await send('PUT', '/documents', { documents }, authorized)
    if (status !== 200) throw new Error(JSON.stringify(json))
    ledger.isOver(topic, count)
    if (isAsked) await ledger.isSeen(topic, count)
    if (count % 4 !== 0) continue
    await replicas[(count + 1) % replicas.length]!.send(
      'DELETE',
      `/documents/${json.documents[0].id}`,
      undefined,
      authorized,
    )
    ledger.isOver(topic, count + 1)
  }
}

/** The same by files and the command line, as an editor's cron job would. */
async function ingesting(t: Test, settings: Record<string, string>, ledger: Ledger, writes: number): Promise<void> {
  const folder = emptyFolder(t)
  const file = join(folder, `${ofFiles}.md`)
  writeFileSync(join(folder, 'other.md'), '# Another\n\nThis one stays as it is.')
  for (let count = 1; count <= writes; count += 1) {
    if (count % 3 === 0) rmSync(file)
    else writeFileSync(file, textOf(ofFiles, count))
    const { code, stderr } = await runCli(['ingest', folder, '--prune'], { env: settings })
    if (code !== 0) throw new Error(stderr)
    ledger.isOver(ofFiles, count % 3 === 0 ? count + 1 : count)
    if (count % 3 !== 0) await ledger.isSeen(ofFiles, count)
  }
}

async function hammer(
  t: Test,
  { replicas, settings }: World,
  { writes, ingests }: { readonly writes: number; readonly ingests: number },
): Promise<Ledger> {
  const ledger = createLedger()
  for (const topic of topics) await editing(replicas, topic, ledger, { writes: 1, isAsked: false })
  let isOver = false
  const askers = replicas.flatMap(replica =>
    [...topics, ofFiles].map(topic => asking(replica, { topic }, ledger, () => isOver)),
  )
  try {
    await Promise.all([
      ...topics.slice(1).map(topic => editing(replicas, topic, ledger, { writes })),
      ingesting(t, settings, ledger, ingests),
    ])
  } finally {
    isOver = true
    await Promise.all(askers)
  }
  return ledger
}

/** The cache had a say in it, and the documents moved under it. */
function isWorthIt(
  t: Test,
  { statuses, seen }: Ledger,
  { writes, ingests }: { readonly writes: number; readonly ingests: number },
): void {
  const asked = [...statuses.values()].reduce((sum, count) => sum + count, 0)
  const remembered = asked - (statuses.get('miss') ?? 0)
  t.comment(`${asked} questions: ${JSON.stringify(Object.fromEntries(statuses))}`)
  t.ok(remembered > asked / 2 && remembered > 200, `${remembered} of ${asked} answers were remembered ones`)
  t.equal(statuses.get('stale'), undefined)
  for (const topic of topics.slice(1)) t.ok((seen.get(topic)?.size ?? 0) > writes / 2, `${topic} was seen to move`)
  t.ok((seen.get(ofFiles)?.size ?? 0) > (ingests > 2 ? 1 : 0), 'and what was loaded from files')
  t.same([...(seen.get(topics[0])?.keys() ?? [])], [1], 'and one stayed')
}

t.test('three replicas and a Redis', { skip: skipReason('postgres') || redisSkipReason() }, async t => {
  const world = await setUp(t, 3, (await startRedis(t)).url)

  await t.test('whoever asks after a write gets nothing from before it', async t => {
    const amounts = { writes: 9, ingests: 4 }
    const ledger = await hammer(t, world, amounts)
    t.same(ledger.wrong, [])
    isWorthIt(t, ledger, amounts)
  })

  await t.test('callers who take old answers get none from before a write either', async t => {
    const replicas = world.replicas.slice(0, 2)
    const ledger = createLedger()
    let isOver = false
    await editing(replicas, ofOldAnswers, ledger, { writes: 1, isAsked: false })
    const askers = replicas.flatMap(replica =>
      ['max-stale', 'max-age=600'].map(cacheControl =>
        asking(replica, { topic: ofOldAnswers, headers: { 'cache-control': cacheControl } }, ledger, () => isOver),
      ),
    )
    await editing(replicas, ofOldAnswers, ledger, { writes: 5 })
    isOver = true
    await Promise.all(askers)
    t.same(ledger.wrong, [])
    t.ok((ledger.statuses.get('hit') ?? 0) > 20)
  })
})

t.test(
  'two replicas without a Redis, who hear of no write: every message to them is cut off',
  { skip: skipReason('postgres') },
  async t => {
    const amounts = { writes: 5, ingests: 1 }
    const world = await setUp(t, 2)
    let isOver = false
    let cut = 0
    const cutting = administer(world.settings['DATABASE_URL']!, async sql => {
      while (!isOver)
        cut += (
          await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'askwell watch' and datname = current_database()`
        ).length
    })
    const ledger = await hammer(t, world, amounts).finally(async () => {
      isOver = true
      await cutting
    })
    t.same(ledger.wrong, [])
    isWorthIt(t, ledger, amounts)
    t.ok(cut > 2)
  },
)
