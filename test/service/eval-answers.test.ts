import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCli, startCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'
import { startModel } from '../support/model.ts'
import { promptOf, type ChatRequest } from '../support/model/chat.ts'
import { until } from '../support/until.ts'

tap.setTimeout(1_800_000)

const rows = (...all: object[]) => all.map(row => `${JSON.stringify(row)}\n`).join('')

const docs = {
  'pool.md':
    '# Pool\n\n## Hours\n\nThe pool opens at seven in the morning and closes at ten in the evening.\n\n## Prices\n\nA ticket for the pool costs four euros for adults.',
  'sauna.md': '# Sauna\n\nThe sauna is heated on Mondays and Thursdays. Towels for the sauna cost two euros.',
}

const questions = rows(
  {
    question: 'When does the pool open?',
    answerable: true,
    expect_source: ['pool.md'],
    expect_text: ['seven'],
    kind: 'exact',
    lang: 'en',
  },
  {
    question: 'When is the sauna heated?',
    answerable: true,
    expect_source: ['sauna.md'],
    expect_text: ['Mondays|Monday'],
    kind: 'exact',
    lang: 'en',
  },
  {
    question: 'How much is a ticket for the pool?',
    answerable: true,
    expect_source: ['pool.md'],
    expect_text: ['not in the text'],
    kind: 'price',
    lang: 'en',
  },
  { question: 'Xylophone quartz zebra?', answerable: false, kind: 'off-topic', lang: 'en' },
)

const extra = rows(
  {
    question: 'pool opening',
    answerable: true,
    expect_source: ['pool.md'],
    expect_text: ['seven'],
    kind: 'brief',
  },
  { question: 'Thank you very much!', answerable: false, kind: 'smalltalk', lang: 'en' },
)

const set = { docs, 'questions.jsonl': questions, 'extra.jsonl': extra }

/** By the words between its tags: a real server that speaks the protocol, and a judge that can be predicted. */
function judgeSays(request: ChatRequest): string {
  const prompt = promptOf(request)
  if (prompt.includes('"supported"')) return 'The claim is fine. {"verdict": "supported"}'
  if (prompt.includes('"all"')) return '{"verdict": "part"}'
  return prompt.includes('When is the sauna') ? 'I would rather not say.' : '{"verdict": "yes"}'
}

tap.test('askwell eval --answers', async t => {
  const env = await databaseSettings(t, anyWorld)
  const folder = t.testdir({ baths: set })
  const baths = join(folder, 'baths')
  const report = join(folder, 'report')

  await t.test('verdicts, abstention by kind, and the report', async t => {
    const { code, json, stderr } = await runCli(['eval', '--answers', baths, '--report', report, '--json'], { env })
    t.equal(code, 0, stderr)
    t.match(json.sets, [
      {
        name: 'baths',
        form: 'small',
        all: {
          answerable: { questions: 3, right: { count: 2 }, partial: { count: 1 }, citedFirst: { count: 3, value: 1 } },
          unanswerable: { questions: 1, refused: { count: 1 }, false: { count: 0 } },
          languageRight: { value: 1, of: 4 },
          latency: { p50Ms: Number, p95Ms: Number },
        },
        kinds: { exact: { answerable: { right: { count: 2, of: 2 } } } },
        selection: {
          answerable: 3,
          unanswerable: 1,
          chosen: { right: 2, false: 0 },
          signals: [{ signal: 'product' }, { signal: 'coverage' }],
        },
      },
      {
        name: 'baths/extra',
        all: { answerable: { questions: 1 }, unanswerable: { questions: 1, false: { count: 0 } } },
      },
    ])
    const markdown = readFileSync(join(report, 'report.md'), 'utf8')
    t.match(markdown, /^# Askwell: answers\n/)
    t.match(markdown, /\n### baths: answered in part \(1 of 1\)\n/)
    t.match(readFileSync(join(report, 'report.html'), 'utf8'), /<svg [^]*<\/html>\n$/)
    t.equal(JSON.parse(readFileSync(join(report, 'results.json'), 'utf8')).sets.length, 2)
    const records = readFileSync(join(report, 'questions.jsonl'), 'utf8').trim().split('\n')
    t.same(
      records.map(line => JSON.parse(line).verdict),
      ['right', 'right', 'partial', 'right', 'right', 'right'],
    )
    t.match(
      JSON.parse(records[0]!).cited,
      [{ source: 'baths/docs/pool.md', right: true }],
      'the same source on every machine',
    )
  })

  await t.test('nothing is left behind', async t => {
    t.same([...(await inDatabase(env, sql => sql`select name from collections`))], [])
  })

  await t.test('a table for people; a sample takes as many of each kind', async t => {
    const { code, stdout } = await runCli(['eval', '--answers', '--sample', '1', baths], { env })
    t.equal(code, 0)
    t.match(stdout, /^Answerable questions\n +questions +right +partial .*\nbaths +2 +\d+ % \[/)
    t.match(stdout, /\nUnanswerable questions\n/)
    t.match(stdout, /\nbaths +the product \(\w+\) +off-topic +1\.00 \[1\.00–1\.00\] +100 % \[100–100\]\n/)
  })

  await t.test('--judge: figures, the unusable share, and the cost before', async t => {
    const judge = await startModel(t, { chat: { answer: judgeSays } })
    const judged = { ...env, JUDGE_MODEL: 'a-judge', JUDGE_URL: judge.url }
    const { code, json, stderr } = await runCli(['eval', '--answers', '--judge', '--json', baths], { env: judged })
    t.equal(code, 0, stderr)
    t.match(stderr, /^to judge: 4 answers with a-judge, at least 1\d calls and [\d,]+ tokens to read$/m)
    const { figures, answers } = json.judgement.sets[0]
    t.equal(json.judgement.model, 'a-judge')
    t.match(figures, {
      answers: 4,
      faithfulness: { value: 1 },
      citationRecall: { value: 1 },
      citationPrecision: { value: 1 },
      relevance: { value: 1, of: 3 },
      completeness: { value: 0.5, of: 4 },
      unusable: { count: 1 },
    })
    t.equal(answers.length, 4, 'an abstention is not judged')
    t.ok(judge.chat.requests.every(({ body }) => body.model === 'a-judge'))
    t.notOk(
      judge.chat.requests.some(({ headers }) => headers.authorization),
      'no key was set for it',
    )
  })

  await t.test('--url: a running service gives the same answers', async t => {
    const serving = await databaseSettings(t, anyWorld)
    t.equal((await runCli(['ingest', 'docs', '-c', 'of-baths'], { cwd: baths, env: serving })).code, 0)
    const app = await startApp(t, anyWorld, serving)
    const args = ['eval', '--answers', '--json', '--url', `${app.url}/`, '--collection', 'of-{set}', baths]
    const { code, json, stderr } = await runCli(args)
    t.equal(code, 0, stderr)
    t.match(json, {
      model: null,
      sets: [
        {
          name: 'baths',
          all: { answerable: { right: { count: 2 }, partial: { count: 1 } }, unanswerable: { refused: { count: 1 } } },
        },
        { name: 'baths/extra' },
      ],
    })
    const absent = await runCli(['eval', '--answers', '--url', app.url, baths])
    t.match(absent, { code: 1, stderr: /\/ask: 404 .*eval-baths/ })
    await app.stop()
  })

  await t.test('what cannot be measured: a line that helps', async t => {
    const run = async (...args: string[]) => await runCli(['eval', ...args, baths], { env })
    t.match(await run('--answers', '--judge'), { code: 1, stderr: /there is no model to judge with; set JUDGE_MODEL/ })
    t.match(await run('--judge'), { code: 1, stderr: /--judge needs --answers/ })
    t.match(await run('--answers', '--update-baseline'), {
      code: 1,
      stderr: /--update-baseline measures rankings: leave out --answers/,
    })
    t.match(await run('--answers', '--collection', 'x'), { code: 1, stderr: /--collection needs --url/ })
    t.match(await run('--answers', '--sample', '0'), { code: 2 })
    const twice = await run('--answers', baths)
    t.match(twice, { code: 1, stderr: /two sets are named "baths"/ })
  })
})

tap.test('Ctrl-C: the collection goes with the run', { skip: anyWorld !== 'postgres' }, async t => {
  const env = await databaseSettings(t, 'postgres')
  const many = Array.from({ length: 200 }, (_, i) => ({
    question: `When does pool ${i} open?`,
    answerable: true,
    kind: 'exact',
  }))
  const folder = t.testdir({ baths: { ...set, 'questions.jsonl': rows(...many) } })
  const collections = () =>
    inDatabase(env, async sql => [...(await sql`select name from collections where document_count > 0`)])
  const { child, finished } = startCli(['eval', '--answers', join(folder, 'baths')], { env })
  await until('documents are loaded', async () => (await collections()).length > 0)
  child.kill('SIGINT')
  t.match(await finished, { code: 130, stdout: '', stderr: /stopping after this question/ })
  t.same(await collections(), [])
})
