import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import tap from 'tap'
import { databaseSettings } from '../support/app.ts'
import { startCli } from '../support/cli.ts'
import { until } from '../support/until.ts'

/** What everyone tries first: `npm run demo`, and then the question of the README. */

tap.setTimeout(1_800_000)

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const question = /-d '\{"question": "(.+?)"\}'/.exec(readme)![1]!

tap.test('the demo answers the question of the README as soon as it says that it answers', async t => {
  const settings = await databaseSettings(t, 'embedded')
  const { child } = startCli(['demo'], { env: { ...settings, PORT: '0', CALIBRATION: 'on' } })
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'close')
  })
  let output = ''
  // The progress of loading is on stderr.
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const said = await until('the demo answers', () => /Askwell answers on (\S+)/.exec(output), {
    ended: once(child, 'close').then(() => output),
    progress: () => output.length,
  })
  const reply = await fetch(`${said[1]}/ask`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ question, include: ['explain'] }),
  })
  const json = (await reply.json()) as Answered
  t.ok(json.explain.collection.calibration, 'its documents are measured')
  t.equal(json.abstained, false, `confidence ${json.confidence}`)
  t.match(json.citations[0]?.title, /redirect/)
})

interface Answered {
  readonly abstained: boolean
  readonly confidence: number
  readonly citations: readonly { readonly title: string }[]
  readonly explain: { readonly collection: { readonly calibration: object | null } }
}
