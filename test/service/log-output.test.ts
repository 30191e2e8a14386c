import { spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { adminKey, databaseSettings, skipReason, type World } from '../support/app.ts'
import { patient } from '../support/patient.ts'
import { freePort } from '../support/server-process.ts'
import { clientOf } from '../support/service.ts'
import { until } from '../support/until.ts'

/** The log goes to a reader that does not read, that has left, or to a full disk: the service goes on, and ends. */

const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
/** A line of 8 kB in the log. */
const long = 'ж'.repeat(4000)

async function start(t: Test, stdio: StdioOptions, { world = 'embedded' as World, workers = '1' } = {}) {
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    ...patient,
    PORT: String(port),
    RATE_LIMIT: '0',
    ADMIN_API_KEY: adminKey,
    LOG_QUESTIONS: 'on',
    LOG_LEVEL: 'debug',
    WORKERS: workers,
    ...(await databaseSettings(t, world)),
  }
  const child = spawn(process.execPath, [cli, 'serve'], { env, stdio })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const client = clientOf(`http://127.0.0.1:${port}`)
  const isReady = async () => (await client.send('GET', '/readyz').catch(() => null))?.status === 200
  await until('the service is ready', isReady, { ended: exited, everyMs: 100 })
  const lost = async () => {
    const { text } = await client.send('GET', '/metrics')
    return Number(/^askwell_log_lines_lost_total (\d+)$/m.exec(text)?.[1])
  }
  /** Asks until lines are lost. */
  const flood = async () =>
    await until(
      'lines are lost',
      async () => {
        const asked = Array.from({ length: 50 }, () => client.ask({ question: long, collection: 'nowhere' }))
        for (const { status } of await Promise.all(asked)) if (status !== 404) throw new Error(`status ${status}`)
        return (await lost()) > 0
      },
      { ended: exited, progress: lost },
    )
  return { child, exited, client, lost, flood }
}

t.test('a reader that hangs', async t => {
  const { child, exited, client, flood } = await start(t, ['ignore', 'pipe', 'pipe'])
  await flood()
  const { json } = await client.send('GET', '/monitoring/performance-metrics')
  t.match(
    json.findings.find(({ code }: { code: string }) => code === 'log-lost'),
    { severity: 'info', culprit: 'process', detail: /^\d+ log lines? could not be written/ },
  )

  await t.test('when it reads again, the log says how many lines are missing', async t => {
    const lines = createInterface({ input: child.stdout! })
    const found = new Promise(resolve => {
      lines.on('line', line => {
        const { code, lost } = JSON.parse(line) as Record<string, unknown>
        if (code === 'log-lost' && typeof lost === 'number') resolve(lost)
      })
    })
    t.ok(Number(await found) > 0)
    lines.close()
    child.stdout!.pause()
  })

  await t.test('when it hangs again, one SIGTERM ends the service', async t => {
    for (let i = 0; i < 3; i++) await flood()
    child.kill('SIGTERM')
    t.same(await exited, [0, null])
  })
})

t.test('two workers, and a reader that hangs', { skip: skipReason('postgres') }, async t => {
  const { child, exited, client, flood } = await start(t, ['ignore', 'pipe', 'pipe'], {
    world: 'postgres',
    workers: '2',
  })
  await flood()
  t.equal((await client.send('GET', '/livez')).status, 200)
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
})

t.test('readers of stdout and stderr that have left', async t => {
  const { child, exited, lost, flood } = await start(t, ['ignore', 'pipe', 'pipe'])
  child.stdout!.destroy()
  child.stderr!.destroy()
  await flood()
  t.ok((await lost()) > 0)
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
})

t.test('a log file on a full disk', { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, async t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const { child, exited, flood } = await start(t, ['ignore', full, 'pipe'])
  await flood()
  child.kill('SIGTERM')
  t.same(await exited, [0, null])
})
