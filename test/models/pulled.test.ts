import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import tap from 'tap'
import { anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { serveFiles } from '../support/file-server.ts'
import { modelsFolder, realModelsSkipReason } from '../support/real-models.ts'

/** Real models, pulled from a server that cuts connections, then used by their names. */

tap.setTimeout(1_800_000)

const docs = fileURLToPath(new URL('corpus/docs', import.meta.url))

tap.test('models are pulled and used', { skip: realModelsSkipReason() }, async t => {
  const [data, database] = [t.testdir({}), await databaseSettings(t, anyWorld)]
  const env = { ...database, DATA_DIR: data, REQUEST_TIMEOUT_MS: '120000' }
  const pull = async (name: string, folder: string, ...options: string[]) => {
    const server = await serveFiles(t, join(modelsFolder, 'onnx', folder))
    // The folders of these packages have the model under another of the usual names.
    server.aliases.set('onnx/model_quantized.onnx', 'model.onnx')
    Object.assign(server, { cutAfter: 10_000_000, cuts: 2 })
    const pulled = await runCli(['models', 'pull', name, '--from', server.url, ...options], { env })
    t.match(pulled, { code: 0, stderr: /the connection broke/ }, pulled.stderr)
    t.ok(server.requests.some(each => each.includes('bytes=')))
  }
  await pull('bge-small-en', 'bge_small_en')
  const settings = { ...env, EMBEDDING_MODEL: 'bge-small-en', EMBEDDING_UNITS: 'off' }
  const loaded = await runCli(['ingest', docs], { env: settings })
  t.equal(loaded.code, 0, loaded.stderr)
  const app = await startApp(t, anyWorld, settings)
  const question = 'How much must I leave as a security when I hire a bike?'
  const { status, json } = await app.send('POST', '/search', { question, top_k: 3 })
  t.equal(status, 200)
  t.match(json.passages[0].source, /bicycles\.md$/)
  const asked = await app.ask({ question, include: ['explain'] })
  t.ok(asked.json.explain.vector_share > 0, 'the vectors have a say')
  const { embedder } = app.deps.models
  t.match([embedder.model, embedder.languages, embedder.dimensions()], [/^onnx:bge-small-en#/, ['en'], 384])
})
