import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap, { type Test } from 'tap'
import {
  adminKey,
  anyWorld,
  databaseSettings,
  eitherWorld,
  skipReason,
  startApp,
  worlds,
  type World,
} from '../support/app.ts'
import { runCli, runCliProcess, startCli, type Cli } from '../support/cli.ts'
import { contentsOf, inDatabase, type Contents } from '../support/contents.ts'
import { startModel, type Model } from '../support/model.ts'
import { until } from '../support/until.ts'

type Settings = Readonly<Record<string, string>>

/** In Russian, which the local model does not read: no test but those of embeddings waits for vectors. */
const site = {
  docs: {
    'admission.md':
      '# Приём\n\nДокументы принимают до 25 июля. Нужны паспорт и аттестат.\n\n## Экзамены\n\nЭкзамены идут в августе.',
    'library.html':
      '<html><title>Библиотека</title><body><h1>Библиотека</h1><p>Книги выдают на тридцать дней.</p></body></html>',
    'hours.txt': 'Деканат открыт с девяти до шести.',
    'logo.svg': '<svg/>',
    deep: { 'rules.md': '# Правила\n\nВ общежитии тихо после одиннадцати.' },
  },
  'faq.csv': 'question,answer\nКогда каникулы?,В июле и августе.\nГде столовая?,На первом этаже.\n',
}

/** Every paragraph is in words of its own, so that a mixed-up chunk or vector shows. */
function rows(count: number): string {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      id: `r${i}`,
      title: `Вопрос ${i}`,
      text: `Ответ номер ${i} про предмет${i % 7} и здание${i % 11}.`,
    }),
  ).join('\n')
}

/** Vectors for every language, from a server that counts what it is asked. */
function withModel(settings: Settings, model: Model): Settings {
  return { ...settings, OPENAI_BASE_URL: model.url, CHAT_MODEL: 'none', EMBEDDING_MODEL: 'test-embedding' }
}

/** What a run leaves behind when nothing happens to it: one database for both worlds, which must not differ. */
let undisturbed: Contents

tap.test('askwell ingest, undisturbed', async t => {
  undisturbed = await undisturbedRun(t, anyWorld)
})

for (const world of worlds) {
  tap.test(`askwell ingest, ${world}`, { skip: skipReason(world) }, async t => {
    await t.test(
      'folders, files and globs are loaded; a second run changes nothing, an edit replaces one document',
      async t => {
        const cwd = t.testdir(site)
        const env = await databaseSettings(t, world)
        const first = await runCli(
          ['ingest', 'docs', 'f*.csv', '--json', '-m', 'faculty=law', '-m', 'year=2025', '-c', 'site'],
          { cwd, env },
        )
        t.notMatch(first.stderr, /^askwell: /m)
        t.equal(first.code, 0)
        t.strictSame(first.json, {
          collection: 'site',
          documents: 6,
          added: 6,
          replaced: 0,
          unchanged: 0,
          removed: 0,
          chunks: 6,
          chunks_without_units: 0,
          faults: 0,
          skipped: { picture: 1 },
          columns: [],
        })
        const again = await runCli(
          ['ingest', 'docs', 'f*.csv', '--json', '-m', 'faculty=law', '-m', 'year=2025', '-c', 'site'],
          { cwd, env },
        )
        t.match(again.json, { added: 0, replaced: 0, unchanged: 6, chunks: 0 })

        writeFileSync(join(cwd, 'docs/hours.txt'), 'Деканат открыт с десяти до пяти.')
        const edited = await runCli(
          ['ingest', 'docs', '-m', 'faculty=law', '-m', 'year=2025', '--collection', 'site'],
          { cwd, env },
        )
        t.equal(edited.stdout, 'site: 0 added, 1 replaced, 3 unchanged; 1 chunk written; skipped 1 picture\n')

        const { documents } = await inDatabase(env, sql => contentsOf(sql, 'site'))
        t.match(
          documents.map(document => (document as { source: string }).source),
          [
            'docs/admission.md',
            'docs/deep/rules.md',
            'docs/hours.txt',
            'docs/library.html',
            /^faq\.csv#/,
            /^faq\.csv#/,
          ],
        )
        t.match(documents[2], {
          version: 2,
          text: /десяти/,
          language: 'ru',
          metadata: { faculty: 'law', year: '2025' },
        })
        t.match(documents[0], { version: 1, title: 'Приём' })
      },
    )

    await t.test(
      'killed in the middle: the next run finishes it, and the rows are those of an undisturbed run',
      async t => {
        const run = await interruptibleRun(t, world)
        const running = startCli(['ingest', 'rows.jsonl'], run)
        await inTheMiddle(run.model, running)
        running.child.kill('SIGKILL')
        t.equal((await running.finished).code, null)
        await finishes(t, run)
      },
    )
  })
}

for (const world of eitherWorld) {
  tap.test(`askwell ingest, faults and interruptions, ${world}`, { skip: skipReason(world) }, async t => {
    await t.test('--prune removes what is gone, and nothing else', async t => {
      const cwd = t.testdir({ site, other: { 'b.md': '# Другое\n\nДругое место.' } })
      const app = await startApp(t, world)
      const put = { documents: [{ source: 'docs/by-http.md', text: 'Принесли по сети.' }] }
      await app.send('PUT', '/documents', put, { authorization: `Bearer ${adminKey}` })
      await app.stop()
      // An absolute path: its sources begin with its last name, and differ from the paths on this machine.
      const docs = join(cwd, 'site/docs')
      const run = (...args: string[]) => runCli(['ingest', ...args, '--json'], { cwd, env: app.env })
      await run(docs, 'other')

      rmSync(join(docs, 'hours.txt'))
      rmSync(join(docs, 'deep'), { recursive: true })
      writeFileSync(join(docs, 'admission.md'), Buffer.from([0xff, 0xfe, 0xfd]))
      const pruned = await run(docs, '--prune')
      t.equal(pruned.code, 3)
      t.match(pruned.stderr, /admission\.md: /)
      t.match(pruned.json, { removed: 2, unchanged: 1, faults: 1 })
      const { documents } = await inDatabase(app.env, sql => contentsOf(sql))
      const sources = documents.map(document => (document as { source: string }).source)
      t.strictSame(sources, ['docs/admission.md', 'docs/by-http.md', 'docs/library.html', 'other/b.md'])

      const gone = await run(join(cwd, 'site/nowhere/docs'), '--prune')
      t.equal(gone.code, 1)
      t.match(
        gone.json,
        { removed: 0 },
        'a folder that is not there, as of a disk that is not mounted, empties nothing',
      )
      const glob = await run('site/*', '--prune')
      t.equal(glob.code, 2)
      t.match(glob.stderr, /^askwell: --prune needs files or named folders/)
    })

    await t.test('rows that cannot be read are named by file and line, the rest is loaded: exit code 3', async t => {
      const cwd = t.testdir({
        'faq.jsonl':
          '{"id":"a","text":"Один."}\nnot json\n{"id":"b"}\n{"id":"a","text":"Снова."}\n{"id":"c","text":"Два."}\n',
      })
      const env = await databaseSettings(t, world)
      const { code, json, stderr } = await runCliProcess(['ingest', 'faq.jsonl', '--json'], { cwd, env })
      t.equal(code, 3)
      t.match(json, { added: 2, faults: 3 })
      // A slow run tells how far it is.
      t.strictSame(
        stderr
          .trim()
          .split('\n')
          .filter(line => line.startsWith('askwell: ')),
        [
          'askwell: faq.jsonl:2: is not valid JSON',
          'askwell: faq.jsonl:3: has no text',
          'askwell: faq.jsonl:4: has the same id as line 1',
        ],
      )
    })

    await t.test('Ctrl-C in the middle: finishes the batch, says how to go on, exits with 130', async t => {
      const run = await interruptibleRun(t, world)
      const running = startCli(['ingest', 'rows.jsonl', '--json'], run)
      await inTheMiddle(run.model, running)
      running.child.kill('SIGINT')
      const { code, stdout, stderr } = await running.finished
      t.equal(code, 130)
      t.equal(stdout, '')
      t.equal(stderr.trim(), 'askwell: stopping after this batch; run the same command again to finish')
      await finishes(t, run)
    })

    await t.test('a model that fails half way: it is tried three times more, and the next run goes on', async t => {
      const run = await interruptibleRun(t, world)
      const finished = runCli(['ingest', 'rows.jsonl'], run)
      await inTheMiddle(run.model, { finished })
      await run.model.stop()
      const { code, stdout, stderr } = await finished
      t.equal(code, 1)
      t.equal(stdout, '')
      t.match(stderr, /^(askwell: [^\n]+: going on in [124] s\n){3}askwell: [^\n]+\n$/)
      await run.model.start()
      await finishes(t, run)
    })
  })
}

/** As in src/ingest/load.ts; with another number the middle is elsewhere, and the tests hold all the same. */
const batchDocuments = 64
const batches = 12

async function inTheMiddle({ embeddings }: Model, { finished }: Pick<Cli, 'finished'>): Promise<void> {
  const count = () => embeddings.requests.length
  const before = count()
  // One call asks for the vectors' length, then there are four of growing size for the first batch, and one for each
  // other. Six batches at the most are on their way to the database (see load.ts): at the ninth, something is written.
  // There it stops, so that something is left.
  await until('the ninth batch is under way', () => count() >= before + 13, { ended: finished, progress: count })
  embeddings.behave({ silent: true })
}

interface InterruptibleRun {
  readonly model: Model
  readonly cwd: string
  readonly env: Settings
}

/** A run of a few batches over an empty database, whose model can be looked at and broken. */
async function interruptibleRun(t: Test, world: World): Promise<InterruptibleRun> {
  const model = await startModel(t)
  const cwd = t.testdir({ 'rows.jsonl': rows(batches * batchDocuments) })
  return { model, cwd, env: withModel(await databaseSettings(t, world), model) }
}

async function undisturbedRun(t: Test, world: World): Promise<Contents> {
  const run = await interruptibleRun(t, world)
  t.match(await runCli(['ingest', 'rows.jsonl'], run), { code: 0 })
  return await inDatabase(run.env, sql => contentsOf(sql))
}

async function finishes(t: Test, { model, cwd, env }: InterruptibleRun): Promise<void> {
  model.embeddings.behave({})
  const { code, json } = await runCli(['ingest', 'rows.jsonl', '--json'], { cwd, env })
  t.equal(code, 0)
  t.ok(json.unchanged > 0, 'something was written before')
  t.ok(json.added > 0, 'something was left to do')
  t.strictSame(await inDatabase(env, sql => contentsOf(sql)), undisturbed)
}
