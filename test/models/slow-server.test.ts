import { spawn } from 'node:child_process'
import tap from 'tap'
import { anyWorld, databaseSettings } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { realModelsSkipReason, startRealModels } from '../support/real-models.ts'

tap.setTimeout(1_800_000)

const documents = 40

tap.test('loading through a real model next to a busy loop', { skip: realModelsSkipReason() }, async t => {
  const models = await startRealModels(t)
  const loops = Array.from({ length: 1 }, () => spawn(process.execPath, ['-e', 'for (;;);']))
  t.teardown(() => loops.forEach(loop => loop.kill()))
  const rows = Array.from({ length: documents }, (_, i) => ({
    source: `rule-${i}`,
    title: `Rule ${i}`,
    text: `Shelf ${i} of the library holds books about subject ${i}. They are lent for thirty days, and longer if nobody else waits for them. `.repeat(
      4,
    ),
  }))
  const cwd = t.testdir({ 'rules.jsonl': rows.map(row => JSON.stringify(row)).join('\n') })
  const env = {
    ...(await databaseSettings(t, anyWorld)),
    ...models.embedding('multilingual-e5-small'),
    EMBEDDING_UNITS: 'off',
    // Less than all texts together take, which were one call before.
    REQUEST_TIMEOUT_MS: '5000',
  }
  const loaded = await runCli(['ingest', 'rules.jsonl'], { cwd, env })
  t.match(loaded, { code: 0, stdout: /40 added/ }, loaded.stderr)
})
