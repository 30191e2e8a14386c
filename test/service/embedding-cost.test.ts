import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { countTokens } from '../../src/adapters/models/openai/tokens.ts'
import { runCommandLine } from '../../src/program.ts'
import { anyWorld, databaseSettings } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { settingsFor } from '../support/model-settings.ts'
import { startModel } from '../support/model.ts'

/** What embedding will cost is said before it starts. */

const cheap = { MODEL_PRICES: 'prompt=0.15,completion=0.60,embedding=0.02' }
/** A dollar per token. */
const dear = { MODEL_PRICES: 'prompt=0.15,completion=0.60,embedding=1000000' }

async function worldOf(t: Test) {
  const model = await startModel(t)
  const cwd = t.testdir({
    'library.md': '# Library\n\nThe library lends books for thirty days.',
    'grants.md': '# Grants\n\nA grant is applied for in May. It is paid from September on.',
  })
  const local = await databaseSettings(t, anyWorld)
  return { model, cwd, local, env: { ...local, ...settingsFor(model, 'test-embedding'), EMBEDDING_UNITS: 'on' } }
}

interface Terminal {
  readonly code: unknown
  readonly stderr: string
}

/** Runs the command at a terminal, where a person types `answer`; null types nothing and ends the input. */
async function atTerminal(args: readonly string[], env: Record<string, string>, answer: string | null) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const asTerminal = <S extends object>(stream: S) => Object.assign(stream, { isTTY: true })
  const host = {
    env: { PREPARE_WORKERS: '1', ...env },
    stdin: asTerminal(stdin),
    stdout,
    stderr: asTerminal(stderr),
    exitCode: 0,
  }
  if (answer !== null) stdin.write(`${answer}\n`)
  stdin.end()
  await runCommandLine(args, host)
  stderr.end()
  return { code: host.exitCode, stderr: await text(stderr) } satisfies Terminal
}

const said = /^to embed: up to ([\d,]+) tokens, which cost (.+)$/m

t.test('ingest: what is new costs, what is unchanged does not', async t => {
  const { cwd, env } = await worldOf(t)
  const first = await runCli(['ingest', 'library.md'], { cwd, env: { ...env, ...cheap } })
  const [, tokens, cost] = said.exec(first.stderr) ?? []
  t.ok(Number(tokens) >= 10 && Number(tokens) <= 30, `${tokens} tokens`)
  t.equal(cost, 'less than USD 0.01')
  t.match(first, { code: 0, stdout: /1 added/ })
  const again = await runCli(['ingest', 'library.md'], { cwd, env: { ...env, ...cheap } })
  t.match(again, { code: 0, stderr: /up to 0 tokens/, stdout: /1 unchanged/ })
  const more = await runCli(['ingest', 'library.md', 'grants.md'], { cwd, env: { ...env, ...dear } })
  const [, few, much] = said.exec(more.stderr) ?? []
  t.ok(Number(few) >= 8 && Number(few) <= 60, `${few} tokens`)
  t.equal(much, `up to USD ${few}.00`)
  t.match(more, { code: 0, stdout: /1 added, 0 replaced, 1 unchanged/ }, 'not at a terminal: it goes on')
})

t.test('what is said is what is sent, with its prefix', async t => {
  const { model, cwd, env } = await worldOf(t)
  const prefixed = { ...env, ...dear, EMBEDDING_PASSAGE_PREFIX: 'search_document of the faculty:' }
  for (const [command, sent, compared] of [
    // A window each, and the two sentences of the second, which are units.
    [['ingest', 'library.md', 'grants.md'], 4, 0],
    // Stored texts, compared with their vectors: the model might only have another name.
    [['reembed'], 4, 2],
  ] as const) {
    const before = model.embeddings.requests.length
    const { code, stderr } = await runCli(command, {
      cwd,
      env: command[0] === 'reembed' ? { ...prefixed, EMBEDDING_PASSAGE_PREFIX: 'another prefix:' } : prefixed,
    })
    t.equal(code, 0)
    const texts = model.embeddings.requests
      .slice(before)
      .flatMap(({ body }) => body.input as string[])
      .filter(each => each !== 'dimensions')
      .slice(compared)
    t.equal(texts.length, sent)
    t.equal(said.exec(stderr)?.[1], String(texts.reduce((sum, each) => sum + countTokens(each), 0)))
  }
})

t.test('nothing is said without a price, or where embedding is free', async t => {
  const { cwd, env, local } = await worldOf(t)
  const ofChat = { MODEL_PRICES: 'prompt=0.15,completion=0.60' }
  t.notMatch((await runCli(['ingest', 'library.md'], { cwd, env: { ...env, ...ofChat } })).stderr, /to embed/)
  const withLocal = { ...local, ...dear }
  t.notMatch((await runCli(['ingest', 'library.md', '-c', 'own'], { cwd, env: withLocal })).stderr, /to embed/)
})

t.test('at a terminal, a load that costs 1 or more is asked about', async t => {
  const { model, cwd, env } = await worldOf(t)
  const args = ['ingest', `${cwd}/library.md`]
  for (const answer of ['n', null]) {
    const { code, stderr } = await atTerminal(args, { ...env, ...dear }, answer)
    t.equal(code, 1)
    t.match(stderr, /continue\? \[y\/N\] [\s\S]*nothing was loaded/)
  }
  // Opening an unknown model asks for the length of its vectors.
  const isPassage = ({ body }: { body: { input: unknown } }) => /thirty/.test(JSON.stringify(body.input))
  t.equal(model.embeddings.requests.filter(isPassage).length, 0, 'nothing was embedded')
  const agreed = await atTerminal(args, { ...env, ...dear }, 'yes')
  t.equal(agreed.code, 0)
  t.ok(model.embeddings.requests.some(isPassage))
  t.notMatch((await atTerminal([...args, '--yes'], { ...env, ...dear }, null)).stderr, /continue\?/)
  t.notMatch((await atTerminal(args, { ...env, ...cheap }, null)).stderr, /continue\?/)
})

t.test('reembed: what lacks vectors of the new model', async t => {
  const { cwd, env, local } = await worldOf(t)
  t.match(await runCli(['ingest', 'library.md', 'grants.md'], { cwd, env: local }), { code: 0 })
  const refused = await atTerminal(['reembed'], { ...env, ...dear }, 'no')
  t.match(refused, { code: 1, stderr: /nothing was re-embedded/ })
  const done = await runCli(['reembed'], { cwd, env: { ...env, ...cheap } })
  const [, tokens] = said.exec(done.stderr) ?? []
  t.ok(Number(tokens) >= 20 && Number(tokens) <= 90, `${tokens} tokens`)
  t.match(done, { code: 0, stdout: /2 chunks re-embedded/ })
})
