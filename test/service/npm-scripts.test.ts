import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { existsSync, readFileSync } from 'node:fs'
import tap, { type Test } from 'tap'
import { acquireFolder } from '../../src/adapters/postgres/folder-lock.ts'
import { databaseSettings } from '../support/app.ts'
import { until } from '../support/until.ts'

/**
 * What npm starts ends with npm: a supervisor knows npm's process and no other. (SIGKILL cannot be passed on: of npm it
 * leaves a service that goes on. Whoever needs that starts `node src/cli.ts serve` itself.)
 */

const root = fileURLToPath(new URL('../../', import.meta.url))
const hasNpm = spawnSync('npm', ['--version']).status === 0
const skip = hasNpm ? false : 'npm is not installed'

interface Launched {
  readonly npm: number
  readonly output: () => string
  /** Those of npm's group that run, as `ps` shows them. */
  group(): string[]
  ended(): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  signal(name: NodeJS.Signals, whole?: 'whole group'): void
}

/** npm in a group of its own, as a shell starts it. What is left of it when the test ends is killed. */
function launch(t: Test, [command = '', ...args]: readonly string[], settings: Record<string, string>): Launched {
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    HOME: process.env['HOME'],
    PORT: '0',
    LOG_LEVEL: 'info',
    EMBEDDING_MODEL: 'local',
    ...settings,
  }
  const child = spawn(command, args, { cwd: root, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const npm = child.pid!
  // Not 'close': what survives npm holds its pipes open.
  const ended = once(child, 'exit').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  const group = () => membersOf(npm)
  t.teardown(() => {
    if (group().length > 0) process.kill(-npm, 'SIGKILL')
  })
  return {
    npm,
    output: () => output,
    group,
    ended: () => ended,
    signal: (name, whole) => void process.kill(whole ? -npm : npm, name),
  }
}

/** Not zombies: in a container nobody may reap those whose parent has ended. */
function membersOf(group: number): string[] {
  const table = execFileSync('ps', ['-A', '-o', 'pgid=,stat=,pid=,args='], { encoding: 'utf8' })
  return table.split('\n').filter(line => Number(line.trim().split(/\s+/)[0]) === group && !/^\s*\d+\s+Z/.test(line))
}

/** Where it listens, once it is ready. */
async function portOf({ output, group }: Launched): Promise<number> {
  const address = /"address":"http:\/\/127\.0\.0\.1:(\d+)"[^\n]*"msg":"ready"/
  await until(
    'it is ready',
    () => address.test(output()) || (group().length === 0 ? Promise.reject(new Error(output())) : null),
    { progress: () => output().length },
  )
  return Number(address.exec(output())![1])
}

async function assertAllFree(t: Test, port: number, folder: string): Promise<void> {
  const next = createServer().listen(port, '127.0.0.1')
  await once(next, 'listening')
  next.close()
  acquireFolder(folder)()
  t.pass('the port and the data folder are free')
}

for (const script of ['start', 'demo', 'dev'] as const) {
  tap.test(`npm run ${script}: SIGTERM to npm ends all of it`, { skip }, async t => {
    const settings = await databaseSettings(t, 'embedded')
    const folder = String(settings['DATA_DIR'])
    const service = launch(t, ['npm', 'run', script], settings)
    const port = await portOf(service)
    t.throws(() => acquireFolder(folder), { message: /is in use/ }, 'it has its data folder')
    service.signal('SIGTERM')
    await service.ended()
    // Of `node --watch` the child that serves ends by its own signal, a moment after.
    if (script === 'dev') await until('the child of the watcher has ended', () => service.group().length === 0)
    t.same(service.group(), [], 'nothing that npm started has outlived it')
    // What ended wrote it before; this process may read it after.
    await until(
      'its last line is read: it was told to stop, and stopped cleanly',
      () => script === 'demo' || service.output().includes('"msg":"stopped"'),
    )
    await assertAllFree(t, port, folder)
  })
}

tap.test('npx askwell serve: SIGTERM to npx ends it, though a shell stands between', { skip }, async t => {
  const settings = await databaseSettings(t, 'embedded')
  const service = launch(t, ['npx', 'askwell', 'serve'], settings)
  const port = await portOf(service)
  service.signal('SIGTERM')
  await service.ended()
  await until('all of it has ended', () => service.group().length === 0)
  // What ended wrote it before; this process may read it after.
  await until('its last line is read', () => service.output().includes('"msg":"stopped"'))
  await assertAllFree(t, port, String(settings['DATA_DIR']))
})

tap.test(
  'Ctrl-C reaches npm and the service, and npm passes it on: what comes twice stops it once, and cleanly',
  { skip },
  async t => {
    const settings = await databaseSettings(t, 'embedded')
    const service = launch(t, ['npm', 'start'], settings)
    const port = await portOf(service)
    service.signal('SIGINT', 'whole group')
    await service.ended()
    t.same(service.group(), [])
    // What ended wrote it before; this process may read it after.
    await until('its last line is read', () => service.output().includes('"msg":"stopped"'))
    await assertAllFree(t, port, String(settings['DATA_DIR']))
  },
)

tap.test('every script that runs Node is Node: no shell stands between it and npm', async t => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { scripts: Record<string, string> }
  const shelled = Object.entries(scripts).filter(([, script]) => /(^|[;&|]\s*)node\b/.test(script))
  t.same(shelled, [])
})

tap.test('the image and its composition start Node by itself, without a shell', async t => {
  const image = readFileSync(`${root}Dockerfile`, 'utf8')
  t.match(image, /^ENTRYPOINT \["node", /m)
  t.notMatch(image, /^(ENTRYPOINT|CMD) [^[]/m, 'the other form runs `sh -c`')
  t.notMatch(readFileSync(`${root}deploy/compose.yaml`, 'utf8'), /^\s*(entrypoint|command): [^[]/m)
  t.ok(existsSync(`${root}deploy/compose.yaml`))
})
