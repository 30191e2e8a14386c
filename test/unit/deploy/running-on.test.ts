import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import fastify from 'fastify'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { exitCodes } from '../../../src/commands/exit-codes.ts'
import type { Setting } from '../../../src/config/kinds.ts'
import { fileSettings } from '../../../src/config/secret-files.ts'
import { settings } from '../../../src/config/settings.ts'
import { registerStartingHealth } from '../../../src/http/routes/health.ts'

/** What deploy/ says about settings, probes and limits is what the code has. */

const root = new URL('../../../', import.meta.url)
const textOf = (path: string) => readFileSync(new URL(path, root), 'utf8')
const all = new Map(Object.values<Setting<unknown>>(settings).map(each => [each.name, each]))
const files = fileSettings.map(({ name }) => `${name}_FILE`)
const isKnown = (name: string) => all.has(name) || files.includes(name)
/** The value in `env`, or else the default. */
const numberOf = (env: ReadonlyMap<string, string>, name: string) => Number(env.get(name) ?? all.get(name)!.default)
const drainSeconds = (env: ReadonlyMap<string, string>) =>
  numberOf(env, 'DRAIN_DELAY_MS') / 1000 + numberOf(env, 'DRAIN_SECONDS')
/** What `WORKERS=auto` counts for one worker (src/cluster/size.ts). */
const workerMb = 512

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
  readonly failureThreshold: number
  readonly timeoutSeconds: number
}

/** The fields that the test reads. */
interface Deployment {
  readonly spec: {
    readonly replicas: number
    readonly strategy: { readonly rollingUpdate: { readonly maxSurge: number } }
    readonly template: {
      readonly metadata: { readonly labels: object }
      readonly spec: {
        readonly enableServiceLinks: boolean
        readonly terminationGracePeriodSeconds: number
        readonly containers: readonly [Container]
        readonly volumes: readonly { readonly secret: { readonly defaultMode: number } }[]
      }
    }
  }
}

interface Container {
  readonly image: string
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string; readonly value: unknown }[]
  readonly resources: { readonly limits: { readonly memory: string } }
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly volumeMounts: readonly { readonly mountPath: string }[]
}

t.test('deploy/kubernetes', async t => {
  const documents = parseAllDocuments(textOf('deploy/kubernetes/askwell.yaml'), { version: '1.1' })
  t.same(
    documents.flatMap(each => ('errors' in each ? [...each.errors, ...each.warnings] : [each])),
    [],
  )
  const objects = documents.map(each => each.toJS() as { readonly kind: string; readonly spec: { selector: object } })
  t.same(
    objects.map(({ kind }) => kind),
    ['Deployment', 'Service', 'PodDisruptionBudget'],
  )
  const { spec } = objects[0] as unknown as Deployment
  const pod = spec.template.spec
  const [container] = pod.containers
  const env = new Map(container.env.map(({ name, value }) => [name, value as string]))

  t.test('variables are settings with valid values, and secrets are files of the volume', async t => {
    for (const { name, value } of container.env) {
      t.ok(isKnown(name), name)
      t.type(value, 'string', `${name}: Kubernetes takes strings only`)
      if (all.has(name)) t.not(all.get(name)!.read(String(value)), undefined, name)
      if (name.endsWith('_FILE')) t.ok(String(value).startsWith(`${container.volumeMounts[0]!.mountPath}/`), name)
      t.notOk(all.get(name)?.isSecret, `${name} is a secret`)
    }
    t.equal(pod.enableServiceLinks, false)
    t.equal(pod.volumes[0]!.secret.defaultMode, 0o440)
    t.ok(container.image.endsWith(`:${(JSON.parse(textOf('package.json')) as { version: string }).version}`))
  })

  t.test('probes', async t => {
    const app = fastify()
    registerStartingHealth(app)
    const { startupProbe, livenessProbe, readinessProbe, ports } = container
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      t.ok(app.hasRoute({ method: 'GET', url: httpGet.path }), httpGet.path)
      t.equal(httpGet.port, ports[0]!.name)
    }
    t.equal(ports[0]!.containerPort, numberOf(env, 'PORT'))
    // The wait for the database, and then that for locks.
    const startSeconds = 2 * numberOf(env, 'START_TIMEOUT_SECONDS')
    t.ok(startupProbe.periodSeconds * startupProbe.failureThreshold > startSeconds)
    t.ok(readinessProbe.timeoutSeconds > 1, 'longer than the ping')
  })

  t.test('the grace period is longer than draining, which is longer than the readiness probe needs', async t => {
    t.ok(pod.terminationGracePeriodSeconds >= drainSeconds(env) + 5)
    const { periodSeconds, failureThreshold } = container.readinessProbe
    t.ok(numberOf(env, 'DRAIN_DELAY_MS') >= periodSeconds * failureThreshold * 1000)
  })

  t.test('memory and database connections suffice', async t => {
    const [, gigabytes] = /^(\d+)Gi$/.exec(container.resources.limits.memory)!
    const prepareMb = numberOf(env, 'PREPARE_WORKERS') * numberOf(env, 'PREPARE_MEMORY_MB')
    const workers = numberOf(env, 'WORKERS')
    t.ok(Number(gigabytes) * 1024 >= workers * workerMb + prepareMb)
    const pods = spec.replicas + spec.strategy.rollingUpdate.maxSurge
    const each = numberOf(env, 'POOL_SIZE') + numberOf(env, 'POOL_MAX_OVERFLOW') + 3 * workers
    t.ok(pods * each <= 97, 'max_connections is 100 by default, of which 3 are reserved')
  })

  t.test('the service and the disruption budget select the pods', async t => {
    const labels = spec.template.metadata.labels
    t.same(objects[1]!.spec.selector, labels)
    for (const each of [objects[0], objects[2]]) t.same(each!.spec.selector, { matchLabels: labels })
  })
})

t.test('deploy/systemd', async t => {
  const text = textOf('deploy/systemd/askwell.service')
  const entries = text
    .split('\n')
    .filter(line => /^[A-Z]\w+=/.test(line))
    .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const valuesOf = (key: string) => entries.flatMap(([name, value]) => (name === key ? [value] : []))
  const commented = Array.from(text.matchAll(/^# Environment=(\S+)/gm), ([, value]) => value!)
  const env = new Map(
    [...valuesOf('Environment'), ...commented].map(each => each.split('=', 2) as unknown as readonly [string, string]),
  )

  t.test('variables are settings, and secrets are credentials', async t => {
    const credentials = Array.from(text.matchAll(/^(?:# )?LoadCredential=([\w-]+):/gm), ([, name]) => `%d/${name}`)
    for (const [name, value] of env) {
      if (name === 'NODE_ENV') continue
      t.ok(isKnown(name), name)
      if (name.endsWith('_FILE')) t.ok(credentials.includes(value), name)
    }
    t.same(credentials.length, [...env.keys()].filter(name => name.endsWith('_FILE')).length)
  })

  t.test('it starts the program, and gives it time to drain', async t => {
    const [, program = ''] = /^\S+ \/opt\/askwell\/(\S+) serve$/.exec(valuesOf('ExecStart')[0]!) ?? []
    t.ok(program !== '' && existsSync(new URL(program, root)), program)
    t.ok(Number(valuesOf('TimeoutStopSec')[0]) >= drainSeconds(env) + 5)
    t.same(valuesOf('KillMode'), ['mixed'])
    t.same(valuesOf('RestartPreventExitStatus'), [String(exitCodes.settings)])
    t.ok(Number(valuesOf('LimitNOFILE')[0]) > 2 * numberOf(env, 'MAX_CONNECTIONS'))
    const prepareMb = numberOf(env, 'PREPARE_WORKERS') * numberOf(env, 'PREPARE_MEMORY_MB')
    const [, gigabytes] = /^(\d+)G$/.exec(valuesOf('MemoryMax')[0]!)!
    t.ok(Number(gigabytes) * 1024 >= workerMb + prepareMb)
  })

  // A machine without systemd, such as a container in CI, cannot check this, and there a skip would be a failure.
  if (spawnSync('systemd-analyze', ['--version']).error) return void t.comment('left out: no systemd-analyze')
  t.test('systemd-analyze verify finds nothing', async t => {
    const verify = (unit: string) => {
      const path = join(mkdtempSync(join(tmpdir(), 'askwell-unit-')), 'askwell.service')
      writeFileSync(path, unit)
      return spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' }).stderr
    }
    const here = text.replace('/usr/bin/node', process.execPath)
    t.equal(verify(here), '')
    t.match(verify(here.replace('OOMPolicy=', 'OOMPolice=')), /OOMPolice/, 'it looks at names')
  })
})
