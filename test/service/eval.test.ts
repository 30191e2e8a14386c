import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { anyWorld, databaseSettings, skipReason, startApp, eitherWorld } from '../support/app.ts'
import { runCli, startCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'
import { startModel } from '../support/model.ts'
import { settingsFor } from '../support/model-settings.ts'
import { until } from '../support/until.ts'

tap.setTimeout(1_800_000)

const rows = (...all: object[]) => all.map(row => `${JSON.stringify(row)}\n`).join('')

/** Questions in English, sixty of them or fewer, each with its document; and one that nothing answers. */
function small(count = 60) {
  const all = ['harbour', 'orchard', 'museum', 'theatre', 'stadium', 'market'].flatMap(place =>
    ['opening', 'tickets', 'parking', 'guides', 'groups', 'photos', 'dogs', 'lockers', 'wheelchairs', 'refunds'].map(
      matter => `${place} ${matter}`,
    ),
  )
  const topics = all.slice(0, count)
  return {
    'corpus.jsonl': rows(
      ...topics.map((topic, i) => ({
        id: `d${i}`,
        title: topic,
        text: `Everything about the ${topic} stands on this page.`,
        lang: 'en',
      })),
    ),
    'queries.jsonl': rows(
      ...topics.map((topic, i) => ({ id: `q${i}`, text: `What do I need to know about the ${topic}?`, lang: 'en' })),
      { id: 'none', text: 'Qwertz?', lang: 'en' },
    ),
    'qrels.tsv': topics.map((_, i) => `q${i}\td${i}\t1\n`).join(''),
  }
}

tap.test('askwell eval: figures, and a baseline to hold them against', async t => {
  const inMemory = settingsFor(await startModel(t), 'test-embedding')
  const env = { ...inMemory, ...(await databaseSettings(t, anyWorld)) }
  const set = t.testdir({ small: small(10) }) + '/small'
  const baseline = join(set, 'baseline.json')

  await t.test('a table for people; --update-baseline writes the figures', async t => {
    const { code, stdout } = await runCli(['eval', set, '--update-baseline'], { env: inMemory })
    t.equal(code, 0)
    t.match(stdout, /nDCG@10 +R@5 +R@10 +MRR@10 +empty +p50 ms +p95 ms\nsmall lexical +\d\.\d{4}/)
    t.match(
      stdout,
      /small: abstained wrongly on \d+\.\d % of 10 answerable questions, rightly on 100\.0 % of 1 unanswerable questions/,
    )
    t.match(JSON.parse(readFileSync(baseline, 'utf8')), {
      model: 'test-embedding',
      variants: { small: { fused: { ndcg10: Number, refused: 1 } } },
    })
  })

  await t.test('worse retrieval: exit code 1, and which figure fell from what to what', async t => {
    const worse = t.testdir({}) + '/small'
    cpSync(set, worse, { recursive: true })
    const corpus = join(worse, 'corpus.jsonl')
    writeFileSync(
      corpus,
      readFileSync(corpus, 'utf8').replace('harbour opening', 'something else').replace('the harbour opening', 'it'),
    )
    const { code, stderr } = await runCli(['eval', worse], { env })
    t.equal(code, 1)
    t.match(stderr, /^askwell: small fused: ndcg10 fell from \d\.\d{4} to \d\.\d{4}$/m)
  })

  await t.test('a baseline of another embedding model that was asked for: a failure', async t => {
    const other = join(t.testdir({}), 'other.json')
    writeFileSync(other, readFileSync(baseline, 'utf8').replace('test-embedding', 'another'))
    const { code, stderr } = await runCli(['eval', set, '--baseline', other], { env })
    t.equal(code, 1)
    t.match(stderr, /other\.json was measured with the embedding model another, not test-embedding: not compared/)
  })
})

for (const world of eitherWorld) {
  tap.test(`askwell eval in a database that stays, ${world}`, { skip: skipReason(world) }, async t => {
    const env = { ...(await databaseSettings(t, world)), ...settingsFor(await startModel(t), 'test-embedding') }
    const set = t.testdir({ small: small() }) + '/small'

    await t.test('--keep: the collection stays, and what is unchanged is not loaded again', async t => {
      const chunks = () =>
        inDatabase(
          env,
          sql => sql`select c.name, k.id from chunks k join collections c on c.id = k.collection_id order by k.id`,
        )
      t.equal((await runCli(['eval', set, '--keep'], { env })).code, 0)
      const before = await chunks()
      t.match(before[0], { name: 'eval-small' })
      t.equal((await runCli(['eval', set, '--keep'], { env })).code, 0)
      t.same(await chunks(), before)
    })

    await t.test('--learn: too much say of the vectors is taken back, written, and used by the service', async t => {
      const epochs = () => inDatabase(env, sql => sql`select epoch from collections where name = 'eval-small'`)
      const [before] = await epochs()
      const { code, json } = await runCli(['eval', set, '--keep', '--learn', '--json'], { env })
      t.equal(code, 0)
      t.match(json.lessons, [
        { language: 'en', questions: 60, inUse: 0.3, learned: 0, choice: { curve: { length: 21 } } },
      ])
      t.match(
        [...(await inDatabase(env, sql => sql`select model, language, vector_weight, questions from fusion_weights`))],
        [{ model: 'test-embedding', language: 'en', vector_weight: 0, questions: 60 }],
      )
      t.ok(
        Number((await epochs())[0]?.['epoch']) > Number(before?.['epoch']),
        'answers remembered before are forgotten',
      )
      const app = await startApp(t, world, env)
      const { json: found } = await app.send('POST', '/search', {
        question: 'What do I need to know about the museum tickets?',
        collection: 'eval-small',
      })
      t.match(found.passages[0], { source: 'd21', scores: { vector: null } }, 'the vectors have no say')
      await app.stop()
    })
  })
}

tap.test('Ctrl-C: the collection goes with the run', { skip: skipReason('postgres') }, async t => {
  const env = { ...(await databaseSettings(t, 'postgres')), ...settingsFor(await startModel(t), 'test-embedding') }
  const collections = () =>
    inDatabase(env, async sql => [...(await sql`select name from collections where document_count > 0`)])
  const { child, finished } = startCli(['eval', t.testdir({ small: small() }) + '/small'], { env })
  await until('documents are loaded', async () => (await collections()).length > 0)
  child.kill('SIGINT')
  t.match(await finished, { code: 130, stdout: '', stderr: /stopping after this question/ })
  t.same(await collections(), [])
})

tap.test('what cannot be measured: a line that helps', async t => {
  const { 'qrels.tsv': qrels, ...rest } = small(10)
  const folder = t.testdir({
    one: { small: small(10) },
    two: { small: { ...rest, 'qrels.tsv': `${qrels}q1\tnowhere\t1\n` } },
    three: { small: rest },
  })
  const set = (name: string) => join(folder, name, 'small')
  const run = async (...args: string[]) => await runCli(['eval', ...args], { cwd: folder, env: { FUSION: 'rrf' } })
  t.match(await run(set('two')), {
    code: 1,
    stdout: '',
    stderr: `askwell: ${set('two')}/qrels.tsv:11: names the document "nowhere", which is not in corpus.jsonl\n`,
  })
  t.match(await run(set('three')), {
    code: 1,
    stderr: /^askwell: .*three\/small\/qrels\.tsv: file not found; a set is a folder with [^\n]+\n$/,
  })
  t.match(await run(set('one'), set('one')), { code: 1, stderr: /two sets are named "small"/ })
  t.match(await run(set('one'), '--baseline', 'none.json'), {
    code: 1,
    stderr: /none\.json: cannot be read; write one with --update-baseline/,
  })
  t.match(await run(set('one'), '--learn'), { code: 1, stderr: /FUSION=rrf has no weights to learn/ })
  t.match(await run(set('one'), '--language', 'klingon'), { code: 2, stderr: /Allowed choices are given, detect/ })
  t.match(await run(), { code: 2, stderr: /missing required argument 'set'/ })
})
