import { join } from 'node:path'
import tap from 'tap'
import { anyWorld, databaseSettings, startApp } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { tinyModel } from '../support/onnx-model.ts'

const files = {
  'cats.md': '# Cats\n\nCats sleep. Cats sleep.',
  'dogs.md': '# Dogs\n\nDogs bark. Dogs bark.',
  'birds.md': '# Birds\n\nBirds sing. Birds sing.',
}

tap.test('a model on disk: from the local one to it, answers by it, and the way back', async t => {
  const local = await databaseSettings(t, anyWorld)
  const cwd = t.testdir({ ...files, models: { tiny: tinyModel() } })
  const onDisk = {
    ...local,
    EMBEDDING_MODEL: `onnx:${join(cwd, 'models/tiny')}`,
    EMBEDDING_QUERY_PREFIX: 'query:',
    EMBEDDING_PASSAGE_PREFIX: 'passage:',
  }
  t.match(await runCli(['ingest', ...Object.keys(files)], { cwd, env: local }), { code: 0 })

  const reembedded = await runCli(['reembed'], { cwd, env: { ...onDisk, EMBEDDING_MODEL: 'onnx:models/tiny' } })
  t.match(
    reembedded,
    {
      code: 0,
      stdout: /^default: 3 chunks re-embedded, and the units of 3 chunks embedded with onnx:tiny#[0-9a-f]{12}\n$/,
    },
    'a relative folder is the same model',
  )

  const app = await startApp(t, anyWorld, onDisk)
  const { json } = await app.ask({ question: 'Which birds sing?', include: ['passages'] })
  t.match(json, { passages: [{ source: 'birds.md', scores: { vector_rank: 1 } }] })
  t.same(json.degraded, [])
  await app.stop()

  const back = await runCli(['ingest', 'cats.md'], { cwd, env: local })
  t.match(back, {
    code: 1,
    stderr:
      /made by "onnx:tiny#\w+", but EMBEDDING_MODEL is "local": set EMBEDDING_MODEL=onnx:FOLDER to the folder "tiny" that made them, with the same model file, pooling and passage prefix, or/,
  })
})
