import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { readConfig } from '../../../src/config/config.ts'

/** The profile local-models of deploy/compose.yaml, which no test can start: its images cannot be fetched everywhere. */

interface Service {
  readonly profiles?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const textOf = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const compose = parse(textOf('deploy/compose.yaml')) as Compose
const env = Object.fromEntries(
  textOf('deploy/local-models.env')
    .split('\n')
    .filter(line => /^\w+=/.test(line))
    .map(line => line.split(/=(.*)/, 2) as [string, string]),
)
const profile = Object.entries(compose.services).filter(([, { profiles }]) => profiles?.includes('local-models'))

t.test('has an embedding server and a language model', async t => {
  t.same(profile.map(([name]) => name).sort(), ['embeddings', 'language-model', 'language-model-pull'])
  for (const [name, { volumes = [] }] of profile)
    for (const volume of volumes) t.ok(volume.split(':')[0]! in compose.volumes, `${name}: ${volume}`)
})

t.test('its settings are valid, reach Askwell, and name these servers', async t => {
  const passed = compose.services['askwell']!.environment!
  for (const name of Object.keys(env)) t.equal(passed[name], `\${${name}:-}`)
  t.match(readConfig(env).models, { chat: 'llama3.2:3b', embedding: 'intfloat/multilingual-e5-small' })
  for (const name of ['OPENAI_BASE_URL', 'EMBEDDING_BASE_URL']) {
    const { hostname } = new URL(env[name]!)
    t.ok(hostname in compose.services, `${name}: ${hostname}`)
  }
  const { command } = compose.services['embeddings']!
  t.same(command!.slice(0, 4), [
    '--model-id',
    env['EMBEDDING_MODEL'],
    '--port',
    new URL(env['EMBEDDING_BASE_URL']!).port,
  ])
})
