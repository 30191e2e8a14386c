import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { runCli, startCli } from '../support/cli.ts'
import { serveFiles } from '../support/file-server.ts'
import { until } from '../support/until.ts'

/** `askwell models`: list, pull and remove. */

const files = {
  'config.json': '{"max_position_embeddings": 512, "model_type": "bert"}',
  'tokenizer.json': '{"version": "1.0"}',
  'tokenizer_config.json': '{"model_max_length": 512}',
  'onnx/model_quantized.onnx': randomBytes(3_000_000),
}

async function worldOf(t: Test) {
  const source = t.testdir({ source: { onnx: {} }, data: {} })
  const folder = join(source, 'source')
  for (const [path, content] of Object.entries(files)) writeFileSync(join(folder, path), content)
  const server = await serveFiles(t, folder)
  const env = { DATA_DIR: join(source, 'data') }
  const models = join(env.DATA_DIR, 'models')
  const at = (name: string) => join(models, name)
  return { folder, server, env, models, at, run: (...args: string[]) => runCli(['models', ...args], { env }) }
}

/** Files of the pulled model, apart from what was recorded of it. */
function assertPulled(t: Test, folder: string): void {
  for (const [path, content] of Object.entries(files))
    t.ok(Buffer.from(content).equals(readFileSync(join(folder, path))), path)
}

/** Where the requests for the rest of a file begin. */
function startsOf(requests: readonly string[]): number[] {
  return requests.flatMap(each => (/ bytes=(\d+)-$/.exec(each) ?? []).slice(1).map(Number))
}

const name = 'multilingual-e5-small'

t.test('a model is pulled with what is known of it, and recorded', async t => {
  const { server, at, run } = await worldOf(t)
  const pulled = await run('pull', name, '--from', server.url)
  t.match(
    pulled,
    { code: 0, stdout: /multilingual-e5-small: pulled, 3 MB\nuse it with: EMBEDDING_MODEL=pulled:multi/ },
    pulled.stderr,
  )
  assertPulled(t, at(name))
  const manifest = JSON.parse(readFileSync(join(at(name), 'askwell-model.json'), 'utf8'))
  t.match(manifest, {
    name,
    kind: 'embedding',
    address: server.url,
    license: 'MIT',
    languages: 'any',
    prefixes: { query: 'query: ', passage: 'passage: ' },
    pooling: 'mean',
  })
  const model = manifest.files.find(({ path }: { path: string }) => path.endsWith('.onnx'))
  t.equal(model.sha256, createHash('sha256').update(files['onnx/model_quantized.onnx']).digest('hex'))
  const { length } = server.requests
  t.match(await run('pull', name, '--from', server.url), { code: 0, stdout: /is there already/ })
  t.equal(server.requests.length, length, 'nothing was asked for again')
})

t.test('the list says what was pulled, and what was never tried', async t => {
  const { server, run } = await worldOf(t)
  await run('pull', name, '--from', server.url)
  await run('pull', 'own', '--from', server.url, '--kind', 'reranker')
  const { json } = await run('list', '--json')
  const states = Object.fromEntries(json.models.map((each: { name: string; state: string }) => [each.name, each.state]))
  t.match(states, { [name]: 'pulled', 'bge-m3': 'never tried here', own: 'pulled' })
  for (const each of json.models) t.match(each, { address: /^https?:/, kind: /^(embedding|reranker)$/ })
  t.match((await run('list')).stdout, /bge-small-en +embedding, 35 MB, MIT, en; never tried here/)
})

t.test('a broken connection is taken up where it broke', async t => {
  const { server, at, run } = await worldOf(t)
  server.cutAfter = 1_000_000
  server.cuts = 2
  const pulled = await run('pull', name, '--from', server.url)
  t.match(pulled, { code: 0, stderr: /the connection broke .*: trying again \(1\)/ }, pulled.stderr)
  assertPulled(t, at(name))
  const starts = startsOf(server.requests)
  t.equal(starts.length, 2)
  t.ok(starts[0]! > 0 && starts[1]! > starts[0]!, starts.join())
})

t.test('a server without ranges and tags starts again from the beginning', async t => {
  const { server, at, run } = await worldOf(t)
  Object.assign(server, { cutAfter: 1_000_000, cuts: 1, isPlain: true })
  t.match(await run('pull', name, '--from', server.url), { code: 0 })
  assertPulled(t, at(name))
})

t.test('a process that is stopped leaves nothing half in place, and the next one goes on', async t => {
  const { server, env, at, models, run } = await worldOf(t)
  Object.assign(server, { cutAfter: 1_000_000, cuts: 1 })
  // The last file is cut; then the server keeps silent until the process is gone.
  const { promise, resolve } = Promise.withResolvers<void>()
  const cli = startCli(['models', 'pull', name, '--from', server.url], { env })
  const part = join(models, `.${name}.part`, 'onnx/model_quantized.onnx.part')
  await until('some of the model is on disk', () => (statSync(part, { throwIfNoEntry: false })?.size ?? 0) > 0, {
    ended: cli.finished,
  })
  server.held = promise
  cli.child.kill('SIGKILL')
  await cli.finished
  t.notOk(existsSync(at(name)))
  server.held = null
  resolve()
  const pulled = await run('pull', name, '--from', server.url)
  t.match(pulled, { code: 0 }, pulled.stderr)
  assertPulled(t, at(name))
  t.ok(startsOf(server.requests).at(-1)! > 0)
  t.equal(server.requests.filter(each => each === 'tokenizer.json').length, 1, 'complete files are not asked for again')
  t.same(readdirSync(models), [name])
})

t.test('a file with another sum than at the first pull is rejected', async t => {
  const { server, at, models, run } = await worldOf(t)
  await run('pull', name, '--from', server.url)
  // Damaged on disk: it is to be pulled again.
  writeFileSync(join(at(name), 'tokenizer.json'), 'short')
  server.instead.set('tokenizer.json', Buffer.from('{"version": "2.0"}'))
  const other = await run('pull', name, '--from', server.url)
  t.match(other, {
    code: 1,
    stderr: /tokenizer\.json is not the file that was expected: its SHA-256 is [0-9a-f]{64}, not/,
  })
  t.notOk(existsSync(join(models, `.${name}.part`, 'tokenizer.json')), 'it was deleted')
  t.ok(existsSync(join(at(name), 'askwell-model.json')), 'what was pulled before is still there')
  server.instead.clear()
  t.match(await run('pull', name, '--from', server.url), { code: 0 })
  assertPulled(t, at(name))
})

t.test('a full disk is said, and is not made fuller', async t => {
  const { server, models, at, run } = await worldOf(t)
  const staging = join(models, `.${name}.part`)
  mkdirSync(join(staging, 'onnx'), { recursive: true })
  // Every write to it ends with ENOSPC.
  symlinkSync('/dev/full', join(staging, 'onnx/model_quantized.onnx.part'))
  const full = await run('pull', name, '--from', server.url)
  t.match(full, { code: 1, stderr: /the disk of .*onnx is full: make room, then run the same command again/ })
  t.notOk(existsSync(at(name)))
  t.notOk(existsSync(join(staging, 'onnx/model_quantized.onnx.part')))
  t.match(await run('pull', name, '--from', server.url), { code: 0 })
  assertPulled(t, at(name))
})

t.test('what a server does not have, and what it fails at', async t => {
  const { server, at, run } = await worldOf(t)
  server.statuses.set('config.json', 404)
  t.match(await run('pull', name, '--from', server.url), {
    code: 1,
    stderr: /config\.json: there is no such file \(status 404\); name another address, or a folder, with --from/,
  })
  server.statuses.set('config.json', 403)
  t.match(await run('pull', name, '--from', server.url), {
    code: 1,
    stderr: /does not give the file out \(status 403\)/,
  })
  server.statuses.set('config.json', 503)
  const failing = run('pull', name, '--from', server.url)
  const asked = server.requests.length
  await until('it is asked again', () => server.requests.length > asked + 1)
  server.statuses.clear()
  t.match(await failing, { code: 0, stderr: /the server replied with status 503: trying again/ })
  assertPulled(t, at(name))
})

t.test('a folder is copied, with what it says of the model', async t => {
  const { folder, at, run } = await worldOf(t)
  mkdirSync(join(folder, '1_Pooling'))
  writeFileSync(join(folder, '1_Pooling/config.json'), '{"pooling_mode": "cls"}')
  t.match(await run('pull', 'own', '--from', folder), { code: 0, stdout: /EMBEDDING_MODEL=pulled:own/ })
  assertPulled(t, at('own'))
  t.ok(existsSync(join(at('own'), '1_Pooling/config.json')))
  t.match(await run('pull', 'none', '--from', at('nowhere')), {
    code: 1,
    stderr: /has none of onnx\/model_quantized\.onnx/,
  })
})

t.test('a model of any other name says how it is used, if its address does', async t => {
  const { folder, server, at, run } = await worldOf(t)
  mkdirSync(join(folder, '1_Pooling'))
  writeFileSync(join(folder, '1_Pooling/config.json'), '{"pooling_mode": "cls"}')
  t.match(await run('pull', 'own', '--from', server.url), { code: 0 })
  assertPulled(t, at('own'))
  t.ok(existsSync(join(at('own'), '1_Pooling/config.json')))
  t.notOk(existsSync(join(at('own'), 'modules.json')), 'this one is not there, and not needed')
})

t.test('two processes do not pull the same model', async t => {
  const { server, env, at, run } = await worldOf(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.held = promise
  const first = startCli(['models', 'pull', name, '--from', server.url], { env })
  await until('the first one is at it', () => server.requests.length > 0, { ended: first.finished })
  const second = await run('pull', name, '--from', server.url)
  t.match(second, { code: 1, stderr: /process \d+ is pulling "multilingual-e5-small" already/ })
  server.held = null
  resolve()
  t.match(await first.finished, { code: 0 })
  assertPulled(t, at(name))
})

t.test('names', async t => {
  const { run, at, models } = await worldOf(t)
  t.match(await run('pull', 'unheard-of'), {
    code: 1,
    stderr: /there is no model "unheard-of" in the list: multilingual-e5-small,/,
  })
  t.match(await run('pull', '../outside', '--from', 'http://127.0.0.1:9'), {
    code: 1,
    stderr: /is no name for a model/,
  })
  t.match(await run('remove', 'unheard-of'), { code: 1, stdout: /was not pulled/ })
  mkdirSync(at('by-hand'), { recursive: true })
  t.match(await run('remove', 'by-hand'), { code: 1, stderr: /was not pulled by Askwell/ })
  t.ok(existsSync(join(models, 'by-hand')))
})

t.test('a pulled model can be removed', async t => {
  const { server, at, run } = await worldOf(t)
  await run('pull', name, '--from', server.url)
  t.match(await run('remove', name), { code: 0, stdout: /removed/ })
  t.notOk(existsSync(at(name)))
})

t.test('a model that is yet to be pulled', async t => {
  const { env } = await worldOf(t)
  const asked = await runCli(['ask', 'Who?'], { env: { ...env, EMBEDDING_MODEL: name } })
  t.not(asked.code, 0)
  t.match(asked.stderr, /does not exist; get the model with: askwell models pull multilingual-e5-small/)
})
