import { hash } from 'node:crypto'
import tap, { type Test } from 'tap'
import { createLocalEmbedder } from '../../src/adapters/models/local/embedder.ts'
import { createCalibrationStore } from '../../src/adapters/postgres/store/calibrations.ts'
import { createCollectionStore } from '../../src/adapters/postgres/store/collections.ts'
import { openDatabase, type Database } from '../../src/adapters/postgres/database.ts'
import { readWeights } from '../../src/adapters/postgres/store/fusion-weights.ts'
import { migrate } from '../../src/adapters/postgres/migrate.ts'
import type { Calibration } from '../../src/ask/calibration/terms.ts'
import type { Embedder } from '../../src/ask/retrieval/embedder.ts'
import { calibrate } from '../../src/wiring/calibrate.ts'
import { openCalibrationUpkeep } from '../../src/wiring/calibration-upkeep.ts'
import { anyWorld, databaseSettings, eitherWorld, skipReason, startApp } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { serveEmbeddings, type EmbedTexts } from '../support/embeddings-server.ts'
import { readMigrations } from '../../src/adapters/postgres/migrations/files.ts'
import { createEmptyDatabase } from '../support/old-schema.ts'
import { postgresSkipReason } from '../support/postgres-programs.ts'
import { until } from '../support/until.ts'

type Settings = Readonly<Record<string, string>>

const never = new AbortController().signal

/** Enough for an order that is more than chance. */
const topics = [
  [
    'How long may I keep a book?',
    'The library lends books for thirty days. Two renewals are possible unless another reader waits.',
  ],
  [
    'What does a parking permit cost?',
    'A place in the garage is forty euros a month. Employees of the night shift park without charge.',
  ],
  [
    'Who repairs a broken laptop?',
    'The help desk on the second floor takes damaged computers. A replacement is lent for the time of the repair.',
  ],
  [
    'When is the canteen open?',
    'Lunch is served from noon until two. Breakfast begins at half past seven on working days.',
  ],
  [
    'How do I claim travel expenses?',
    'Send receipts of trains and hotels to accounting within six weeks. Taxis are paid for only after ten in the evening.',
  ],
  [
    'May I bring my dog to the office?',
    'Animals are allowed in rooms where every colleague agrees. Guide dogs are welcome everywhere.',
  ],
  [
    'How many days of vacation are there?',
    'Everybody has thirty days of leave a year. Days that are left expire at the end of March.',
  ],
  [
    'What do I do when I am ill?',
    'Call your team lead before nine. A doctor’s certificate is needed from the third day of sickness.',
  ],
  [
    'Where do I get a badge?',
    'Reception prints badges after showing a passport. A lost badge is blocked at once by the guards.',
  ],
  [
    'How do I book a meeting room?',
    'Rooms are reserved in the calendar up to four weeks ahead. Rooms that nobody enters are released after fifteen minutes.',
  ],
  [
    'What password rules are there?',
    'A password has at least fourteen characters and is changed only after a leak. Managers of passwords are recommended.',
  ],
  [
    'Who pays for training courses?',
    'Each department has a budget for courses and conferences. Certificates are paid for after the exam was passed.',
  ],
] as const

const questions = ['How long can I borrow a book?', 'costs of parking', 'my computer is broken', 'Why is the sky blue?']

function corpus(t: Test): string {
  const rows = topics.map(([question, answer], i) => JSON.stringify({ id: `t${i}`, question, answer }))
  return t.testdir({ 'faq.jsonl': rows.join('\n') })
}

async function loaded(t: Test, settings: Settings): Promise<Settings> {
  const env = { ...(await databaseSettings(t, anyWorld)), CHAT_MODEL: 'none', ...settings }
  t.match(await runCli(['ingest', 'faq.jsonl', '--language', 'en'], { cwd: corpus(t), env }), { code: 0 })
  return env
}

const api = (url: string, model: string) => ({
  OPENAI_BASE_URL: url,
  OPENAI_API_KEY: 'k',
  EMBEDDING_MODEL: model,
  EMBEDDING_MAX_TOKENS: '120',
})

async function opened(t: Test, env: Settings): Promise<Database> {
  const pool = { poolSize: 3, poolMaxOverflow: 0, poolMaxWaiting: 20, statementTimeoutMs: 30_000 }
  const database = await openDatabase({ ...pool, url: env['DATABASE_URL'], dataDir: env['DATA_DIR'] })
  t.teardown(() => database.close())
  return database
}

async function calibrationIn(env: Settings): Promise<Calibration | null> {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = env
  const database = await openDatabase({
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 5,
    statementTimeoutMs: 30_000,
    url,
    dataDir,
  })
  try {
    return (await createCollectionStore(database).collection('default'))?.calibration ?? null
  } finally {
    await database.close()
  }
}

const bundled = createLocalEmbedder({ workers: 1 })
tap.teardown(() => bundled.close())

/** The bundled model behind an API; longer texts than it reads are cut, as servers do. */
const embedBundled: EmbedTexts = async texts =>
  await bundled.embed(
    texts.map(text => {
      let fit = text
      while (bundled.countTokens(fit) > bundled.maxTokens) fit = fit.slice(0, Math.floor(fit.length * 0.9))
      return fit
    }),
    never,
  )

for (const world of eitherWorld)
  tap.test(`one model under two names, ${world}`, { skip: skipReason(world) }, async t => {
    const url = await serveEmbeddings(t, embedBundled)
    const measured: (Calibration | null)[] = []
    const answers: unknown[] = []
    for (const name of ['multilingual-e5-small', 'whatever-i-call-it']) {
      const env = await loaded(t, { ...api(url, name), CALIBRATION: 'on' })
      measured.push(await calibrationIn(env))
      const app = await startApp(t, world, { ...env })
      const replies = []
      for (const question of questions) {
        const { json } = await app.ask({ question, include: ['explain'] })
        replies.push({
          answer: json.answer,
          citations: json.citations.map((each: any) => each.quote),
          share: json.explain.vector_share,
          relevance: json.explain.relevance,
          calibration: json.explain.collection.calibration,
        })
      }
      answers.push(replies)
      await app.stop()
    }
    const [first, second] = measured
    t.ok(first)
    t.equal(first?.version, second?.version, 'is measured alike')
    t.same(answers[0], answers[1], 'and answers alike')
    t.ok(first!.vectorWeights['en']! >= 0.5, 'it is trusted where it ranks well')
    t.ok(first!.windows.unrelated > first!.far.window!.mean)
    t.ok(first!.related.window!.mean > first!.far.window!.mean + first!.far.window!.deviation)
    t.ok(first!.related.coverage!.mean > first!.far.coverage!.mean)
    t.ok(first!.related.lexical!.mean > first!.far.lexical!.mean)
    t.ok(first!.related.unit!.mean > first!.far.unit!.mean)
  })

tap.test('a model whose vectors mean nothing gets no weight', async t => {
  const random: EmbedTexts = async texts =>
    texts.map(text =>
      Float32Array.from({ length: 32 }, (_, i) => hash('sha256', `${i} ${text}`, 'buffer').readInt32LE() / 2 ** 31),
    )
  const env = await loaded(t, { ...api(await serveEmbeddings(t, random), 'multilingual-e5-small'), CALIBRATION: 'on' })
  // A few questions cannot tell a little from nothing.
  t.ok((await calibrationIn(env))!.vectorWeights['en']! <= 0.05)
})

tap.test('a database of an older version', { skip: skipReason(anyWorld) }, async t => {
  const env = await loaded(t, { EMBEDDING_MODEL: 'local' })
  const before = await startApp(t, anyWorld, env)
  const ask = async (app: typeof before) => {
    const { json } = await app.ask({ question: questions[0], include: ['explain'] })
    return json
  }
  const [first, second] = [await ask(before), await ask(before)]
  t.equal(first.explain.collection.calibration, null)
  t.match(first.answer, /thirty days/)
  t.equal(second.cache.status, 'hit')
  await before.stop()

  const app = await startApp(t, anyWorld, { ...env, CALIBRATION: 'on' })
  await until('it is calibrated in the background', async () => (await ask(app)).explain.collection.calibration)
  const { json } = await app.send('GET', '/collections', undefined, {
    authorization: `Bearer ${app.env['ADMIN_API_KEY']}`,
  })
  const [collection] = json.collections
  t.match(collection.calibration, { questions: 12, languages: ['en'], passages: { span: Number } })
  t.ok(collection.calibration.vector_weights.en >= 0.5)
  const answer = await ask(app)
  t.equal(answer.explain.collection.calibration.version, collection.calibration.version)
  t.match(answer.answer, /thirty days/)
})

tap.test('the command measures again and says what it found', async t => {
  const env = await loaded(t, { EMBEDDING_MODEL: 'local' })
  t.equal(await calibrationIn(env), null, 'switched off, loading measures nothing')
  const { code, stdout } = await runCli(['tune', 'calibration'], { env })
  t.equal(code, 0)
  t.match(stdout, /similarity of passages .* \(unrelated\) to .* \(related\)/)
  const { json } = await runCli(['tune', 'calibration', '--json'], { env })
  t.equal(json.version, (await calibrationIn(env))?.version, 'equal documents, equal result')
  t.match(await runCli(['tune', 'calibration', '-c', 'nothing'], { env }), { code: 1 })
})

tap.test('units that are added later are measured, though the documents stay', async t => {
  const env = await loaded(t, { EMBEDDING_MODEL: 'local', CALIBRATION: 'on', EMBEDDING_UNITS: 'off' })
  t.match(await calibrationIn(env), { units: null })
  t.match(await runCli(['reembed'], { env: { ...env, EMBEDDING_UNITS: 'on' } }), { code: 0 })
  t.match(await calibrationIn(env), { units: { unrelated: Number, related: Number } })
})

tap.test('several processes and failures', async t => {
  const env = await loaded(t, { EMBEDDING_MODEL: 'local' })
  const database = await opened(t, env)
  const store = createCollectionStore(database)
  const calls = { count: 0 }
  const counting: Embedder = {
    ...bundled,
    embed: (...args) => {
      calls.count += 1
      return bundled.embed(...args)
    },
  }
  const parts = { database, store, bm25: 'portable', embedder: counting } as const

  await t.test('one of two measures', async t => {
    const [first, second] = await Promise.all([1, 2].map(() => calibrate('default', parts, { signal: never })))
    t.same([first!.state, second!.state].sort(), ['claimed', 'measured'])
    const once = calls.count
    t.equal((await calibrate('default', parts, { signal: never })).state, 'current')
    t.equal(calls.count, once, 'what is up to date costs no call')
  })

  await t.test('other documents in place of the old ones: measured again', async t => {
    const change = (since: string) =>
      database.lease(
        { signal: never, label: 'test' },
        sql => sql`update documents set updated_at = now() + ${since}::interval`,
      )
    await change('1 hour')
    t.equal((await calibrate('default', parts, { signal: never })).state, 'measured')
    await change('-1 hour')
    t.equal((await calibrate('default', parts, { signal: never })).state, 'current')
  })

  await t.test('a model that fails leaves what was measured, and no claim', async t => {
    const before = (await store.collection('default'))?.calibration
    const failing = { ...parts, embedder: { ...bundled, embed: () => Promise.reject(new Error('broken')) } }
    await t.rejects(calibrate('default', failing, { isForced: true, signal: never }), /broken/)
    t.same((await store.collection('default'))?.calibration, before)
    const collection = (await store.collection('default'))!
    const claims = createCalibrationStore(database)
    const claimant = await claims.claim(collection, never)
    t.ok(claimant)
    t.equal(await claims.claim(collection, never), null)
    await claims.release(collection, claimant!, never)
  })

  await t.test('a measurement under way ends with the service', async t => {
    await database.lease({ signal: never, label: 'test' }, sql => sql`delete from calibrations`)
    let isAsked = false
    const hanging: Embedder = {
      ...bundled,
      embed: (_, signal) =>
        new Promise((_resolve, reject) => {
          isAsked = true
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    }
    const lines: string[] = []
    const log = {
      info: (_: object, line: string) => lines.push(line),
      warn: (_: object, line: string) => lines.push(line),
    }
    const upkeep = openCalibrationUpkeep({ ...parts, database, embedder: hanging, log: log as never, quietMs: 1 })
    upkeep.start()
    await until('the model is asked', () => isAsked)
    await upkeep.close()
    t.same(lines, [])
    const [row] = await database.lease(
      { signal: never, label: 'test' },
      sql => sql`select claimed_until from calibrations`,
    )
    t.equal(row?.['claimed_until'], null, 'its claim ended with it')
  })

  await t.test('what fails in the background is said, and nothing else happens', async t => {
    const lines: string[] = []
    const log = {
      info: (_: object, line: string) => lines.push(line),
      warn: (_: object, line: string) => lines.push(line),
    }
    const failing: Embedder = { ...bundled, embed: () => Promise.reject(new Error('broken')) }
    const upkeep = openCalibrationUpkeep({ ...parts, database, embedder: failing, log: log as never, quietMs: 1 })
    t.teardown(upkeep.close)
    upkeep.written('default')
    upkeep.written('nobody')
    await until('it is said', () => lines.length > 0)
    t.match(lines, [/could not be calibrated/])
  })

  await t.test('failures that follow each other: the pause between them doubles', async t => {
    const pauses: unknown[] = []
    const log = { info: () => {}, warn: (fields: { pauseMs?: number }) => pauses.push(fields.pauseMs) }
    const failing: Embedder = { ...bundled, embed: () => Promise.reject(new Error('broken')) }
    const options = { ...parts, database, embedder: failing, log: log as never }
    const upkeep = openCalibrationUpkeep({ ...options, quietMs: 1, retryMs: 1 })
    t.teardown(upkeep.close)
    upkeep.written('default')
    await until('it has failed three times', () => pauses.length >= 3)
    t.strictSame(pauses.slice(0, 3), [1, 2, 4])
  })

  await t.test('writes without a pause between them: measured all the same', async t => {
    const measured: unknown[] = []
    const log = { info: (fields: object) => measured.push(fields), warn: () => {} }
    const upkeep = openCalibrationUpkeep({ ...parts, database, log: log as never, quietMs: 1e9, longestMs: 1 })
    t.teardown(upkeep.close)
    for (let i = 0; i < 3; i++) upkeep.written('default')
    await until('it is measured', () => measured.length > 0)
  })
})

tap.test(
  'weights that an older version learned keep the span that they were learned with',
  { skip: postgresSkipReason() },
  async t => {
    const { url } = await createEmptyDatabase(t)
    const database = await opened(t, { DATABASE_URL: url })
    await database.lease({ signal: never, label: 'test', holdLimitMs: Infinity }, async sql => {
      await migrate(sql, { files: (await readMigrations()).filter(({ name }) => name < '000012') })
      for (const model of [
        'use-lite-en',
        'onnx:multilingual-e5-small#0123456789ab',
        'intfloat/multilingual-e5-small + passage:',
        'mine',
      ])
        await sql`insert into fusion_weights (model, language, vector_weight, questions) values (${model}, 'en', 0.5, 60)`
      await migrate(sql)
      const spanOf = async (model: string) => (await readWeights(sql, model))['en']
      t.match(await spanOf('use-lite-en'), { weight: 0.5, span: 0.4 })
      t.match((await spanOf('onnx:multilingual-e5-small#0123456789ab'))?.span?.toFixed(2), '0.10')
      t.match((await spanOf('intfloat/multilingual-e5-small + passage:'))?.span?.toFixed(2), '0.10')
      t.match((await spanOf('mine'))?.span?.toFixed(2), '0.30')
    })
  },
)
