import tap, { type Test } from 'tap'
import { adminKey, anyWorld, eitherWorld, skipReason, startApp, type App } from '../support/app.ts'
import { assertContract, eventFaults } from '../support/contract.ts'
import { runCli } from '../support/cli.ts'
import { loadHandbook } from '../support/corpus.ts'
import { sseEvents } from '../support/sse.ts'

/** How sure Askwell is of an answer, and what becomes of it when that is not enough. */

const admin = { authorization: `Bearer ${adminKey}` }
const quoting = { CHAT_MODEL: 'none', SEMANTIC_CACHE: 'off' }
const rent = 'How much does a place in the dormitory cost?'

async function collectionIn(app: App, name = 'default') {
  const { collections } = (await app.send('GET', '/collections', undefined, admin)).json
  return collections.find((each: { name: string }) => each.name === name)
}

async function put(app: App, collection: string, documents: readonly object[]): Promise<void> {
  const reply = await app.send('PUT', '/documents', { collection, documents }, admin)
  if (reply.status !== 200) throw new Error(reply.text)
}

async function confidenceOf(app: App, question: string): Promise<number> {
  return (await app.ask({ question })).json.confidence
}

tap.test('the reply', { skip: skipReason(anyWorld) }, async t => {
  const app = await startApp(t, anyWorld, quoting)
  await loadHandbook(app)

  await t.test('has the confidence: as JSON, as a stream, and cached', async t => {
    const first = await app.ask({ question: rent })
    assertContract(t, { method: 'POST', path: '/ask', status: 200, headers: first.headers, body: first.text })
    t.match(first.json, { abstained: false, confidence: Number, cache: { status: 'miss' } })
    t.ok(first.json.confidence > 0.5 && first.json.confidence <= 1)
    const again = await app.ask({ question: rent })
    t.match(again.json, { cache: { status: 'hit' }, confidence: first.json.confidence })
    const streamed = await app.ask({ question: `${rent} Tell me.`, stream: true })
    t.same(eventFaults(streamed.text), [])
    t.match(sseEvents(streamed.text).at(-1), { event: 'done', data: { confidence: Number } })
  })

  await t.test('orders questions by how well the documents answer them', async t => {
    const [answered, other, far] = [
      await confidenceOf(app, 'How long does the library lend books?'),
      await confidenceOf(app, 'How long does the swimming pool lend towels?'),
      await confidenceOf(app, 'Which vampires haunted the medieval castle of Transylvania?'),
    ]
    t.ok(answered > other && other > far, `${answered} > ${other} > ${far}`)
  })

  await t.test('a question of another field: not answered, by far', async t => {
    for (const question of ['What is the weather in Paris today?', 'How do I patch a flat bicycle tyre?'])
      t.match((await app.ask({ question })).json, { abstained: true, generator: 'none', citations: [] })
  })

  await t.test(
    'numbers of the case that somebody asks about count for nothing, those that name something do',
    async t => {
      const sure = await confidenceOf(app, rent)
      for (const question of [`${rent.slice(0, -1)} for 17 months?`, `3. ${rent}`, `${rent} (4)`])
        t.ok((await confidenceOf(app, question)) > sure - 0.1, question)
      const ofRoom = await confidenceOf(app, `${rent.slice(0, -1)} in room 417?`)
      t.ok(ofRoom < sure - 0.2, `${ofRoom} < ${sure} - 0.2`)
    },
  )

  await t.test('a search says whether an answer is likely', async t => {
    t.equal((await app.send('POST', '/search', { question: rent })).json.near, true)
    t.equal((await app.send('POST', '/search', { question: 'Who haunts Transylvania?' })).json.near, false)
  })

  await t.test('the first try of everybody: one document, one question', async t => {
    await put(app, 'pool', [
      {
        source: 'pool.md',
        text: '# Swimming pool\n\nA swimming lesson takes 45 minutes. The pool lies two kilometres from the station. Children under six swim free of charge. The basin has 25 metres. The water is changed every month. The water has 27 degrees.',
      },
    ])
    for (const [question, answer] of [
      ['How long does a swimming lesson take?', /45 minutes/],
      ['How far is the pool from the station?', /two kilometres/],
    ] as const)
      t.match((await app.ask({ question, collection: 'pool' })).json, { abstained: false, answer })
  })
})

tap.test('ABSTAIN_BELOW', { skip: skipReason(anyWorld) }, async t => {
  const far = 'How do I patch a flat bicycle tyre in the library?'
  const answerAt = async (t: Test, threshold: string) => {
    const app = await startApp(t, anyWorld, { ...quoting, ABSTAIN_BELOW: threshold })
    await loadHandbook(app)
    return (await app.ask({ question: far, include: ['explain'] })).json
  }
  await t.test('0: never', async t => {
    const json = await answerAt(t, '0')
    t.match(json, { abstained: false, explain: { confidence_threshold: 0 } })
  })
  await t.test('a value is the least confidence', async t => {
    const json = await answerAt(t, '0.99')
    t.match(json, { abstained: true, explain: { abstained_because: 'not_relevant' } })
    t.ok(json.confidence < 0.99)
  })
})

/** Questions as people would judge them, in a file as editors on Windows save it. */
function judged(app: Pick<App, 'env'>, t: Test, lines: readonly unknown[]) {
  const cwd = t.testdir({ 'judged.jsonl': `\ufeff${lines.map(line => JSON.stringify(line)).join('\r\n')}\r\n` })
  return async (...args: string[]) => await runCli(['tune', 'abstention', ...args], { env: app.env, cwd })
}

const sections = Array.from({ length: 30 }, (_, i) => {
  const name = `${['Kitchen', 'Garden', 'Laundry', 'Garage', 'Cellar'][i % 5]} ${['rules', 'hours', 'costs', 'keys', 'guests', 'repairs'][i % 6]}`
  return {
    source: `${i}.md`,
    title: 'House',
    text: `# House\n\n## ${name}\n\nOf the ${name.toLowerCase()} the house says this: ask the warden in room ${i + 10}.`,
  }
})
const questions = sections.map(({ text }) => ({
  question: `What does the house say of the ${/## (.*)/.exec(text)![1]!.toLowerCase()}?`,
  answerable: true,
}))
const others = ['Who haunts Transylvania?', 'What is the weather in Paris?'].map(question => ({
  question,
  answerable: false,
}))

for (const world of eitherWorld)
  tap.test(`askwell tune abstention, ${world}`, { skip: skipReason(world) }, async t => {
    const app = await startApp(t, world, quoting)
    await put(app, 'default', sections)
    const [{ question }] = questions as [(typeof questions)[number]]
    t.match((await app.ask({ question })).json, { abstained: false, cache: { status: 'miss' } })
    t.match((await app.ask({ question })).json.cache, { status: 'hit' })
    t.equal((await collectionIn(app)).abstention, null)
    if (world === 'embedded') await app.stop()
    const tune = judged(app, t, [...questions, ...others])

    await t.test('from judged questions: stored, shown, and cached answers are not served any more', async t => {
      const { code, json } = await tune('--questions', 'judged.jsonl', '--lose', '50', '--json')
      t.equal(code, 0)
      t.match(json, { collection: 'default', lose: 0.5, judged: true, answerable: 30, unanswerable: 2, refused: 1 })
      t.ok(json.lost <= 0.5)
      const running = world === 'embedded' ? await startApp(t, world, app.env) : app
      t.match((await collectionIn(running)).abstention, {
        threshold: json.threshold,
        model_threshold: json.model_threshold,
        lose: 0.5,
        questions: 32,
        judged: true,
      })
      const after = (await running.ask({ question, include: ['explain'] })).json
      t.equal(after.cache.status, 'miss')
      if (after.explain.abstained_because === null)
        t.equal(after.explain.confidence_threshold, Math.round(json.threshold * 1e4) / 1e4)
      if (world === 'embedded') await running.stop()
    })

    await t.test('from headings, without judged questions', async t => {
      const { code, stdout } = await tune()
      t.equal(code, 0)
      t.match(
        stdout,
        /^default: stored threshold 0\.\d\d \(0\.\d\d before a language model\)\n {2}\d of 30 answerable questions are refused, \d+ of 30 unanswerable ones \(made from the documents\)$/m,
      )
    })

    await t.test('from headings of sections that share a chunk', async t => {
      const running = world === 'embedded' ? await startApp(t, world, app.env) : app
      const text = `# Flat\n\n${sections.map(each => each.text.split('\n\n').slice(1).join('\n\n')).join('\n\n')}`
      await put(running, 'flat', [{ source: 'flat.md', title: 'Flat', text, format: 'markdown' }])
      t.ok((await collectionIn(running, 'flat')).chunk_count < 20)
      if (world === 'embedded') await running.stop()
      const { code, stderr, stdout } = await tune('-c', 'flat')
      t.equal(code, 0, stderr)
      t.match(stdout, /of 3[01] answerable questions are refused/)
    })

    await t.test('--default removes it', async t => {
      t.match(await tune('--default', '--json'), { code: 0, json: { collection: 'default', threshold: null } })
    })

    await t.test('wrong input: refused with what to do, and nothing is stored', async t => {
      t.match(await tune('--lose', '80'), { code: 2, stderr: /Use a number from 0 to 50/ })
      t.match(await tune('-c', 'nowhere'), { code: 1, stderr: /nowhere/ })
      const few = judged(app, t, questions.slice(0, 3))
      t.match(await few('-q', 'judged.jsonl'), {
        code: 1,
        stderr: /has 3 answerable questions; at least 20 are needed/,
      })
      const broken = judged(app, t, [{ question: 'What?' }, null])
      t.match(await broken('-q', 'judged.jsonl'), {
        code: 1,
        stderr: /judged\.jsonl:1: needs "question", a text, and "answerable".*\njudged\.jsonl:2: is not a JSON object/,
      })
    })
  })
