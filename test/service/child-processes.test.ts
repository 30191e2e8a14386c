import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { getPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { createChildPool, type ChildPoolOptions, type Outcome } from '../../src/adapters/child-processes/pool.ts'
import { processUsage, usageFromPs } from '../../src/adapters/child-processes/usage.ts'
import type { UnrulyTask } from '../support/unruly-child.ts'
import { atLeast } from '../support/at-least.ts'
import { until } from '../support/until.ts'

const program = new URL('../support/unruly-child.ts', import.meta.url)
const megabyte = 2 ** 20
const limits = { cpuMs: 60_000, memoryBytes: 200 * megabyte, stalledMs: 600_000 }
const never = new AbortController().signal
const bytesOfAll = 100

function poolOf(t: Test, more: Partial<ChildPoolOptions> = {}) {
  const pool = createChildPool<UnrulyTask, number, number, unknown>({
    program,
    size: 2,
    limits,
    room: { bytes: bytesOfAll, places: 5 },
    ...more,
  })
  t.teardown(pool.close)
  const place = pool.enter(0)
  const run = (task: UnrulyTask, onPart: (part: number) => number | Promise<number> = part => part, signal = never) =>
    pool.run(task, { place, signal, onPart })
  return { ...pool, start: run }
}

const lossOf = (outcome: Outcome<unknown>) => ('loss' in outcome ? outcome.loss.by : outcome)

/** A task that is in the child and stays there. */
async function started(pool: ReturnType<typeof poolOf>, does: 'loop' | 'sleep', signal = never) {
  const { promise: isThere, resolve } = Promise.withResolvers<void>()
  const outcome = pool.start({ does }, part => (resolve(), part), signal)
  await Promise.race([isThere, outcome])
  return { outcome }
}

const isRunning = (pid: number) => {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' })
  return table.split('\n').some(line => Number(line.trim().split(/\s+/)[0]) === pid && !/\sZ/.test(line))
}

/** Ends when it is so: what is waited for is a process that has been told to end. */
async function untilGone(pid: number): Promise<void> {
  await until(`process ${pid} is gone`, () => !isRunning(pid))
}

t.test('a task has a result, and says parts whose answers it gets', async t => {
  const pool = poolOf(t)
  const value = { text: 'é'.repeat(3), bytes: Buffer.from('abc'), nested: new Map([['a', [1, null]]]) }
  t.same(await pool.start({ does: 'echo', value }), { result: value })
  t.strictSame(await pool.start({ does: 'parts', count: 4 }, async part => part * 10), { result: 60 })
})

t.test('a child knows nothing of the environment', async t => {
  process.env['ASKWELL_TEST_SECRET'] = 'a secret'
  t.teardown(() => delete process.env['ASKWELL_TEST_SECRET'])
  const outcome = await poolOf(t).start({ does: 'environment' })
  // Not `match`, for which an empty list fits every list.
  const { variables } = (outcome as { readonly result: { readonly variables: readonly string[] } }).result
  // What tap adds to every process that a test starts.
  const isOfTap = (name: string) => name.startsWith('_TAPJS_') || name === 'NODE_OPTIONS'
  t.strictSame(
    variables.filter(name => !isOfTap(name)),
    [],
  )
})

for (const does of ['buffers', 'map', 'array', 'strings'] as const) {
  t.test(`memory without end, ${does}: the task fails for it, and the next one is done`, async t => {
    const pool = poolOf(t, { size: 1 })
    t.equal(lossOf(await pool.start({ does })), 'memory')
    t.strictSame(await pool.start({ does: 'echo', value: 1 }), { result: 1 })
  })
}

t.test('an endless loop fails for its processor time, and others are done meanwhile', async t => {
  const pool = poolOf(t, { limits: { ...limits, cpuMs: 1500 } })
  const { outcome } = await started(pool, 'loop')
  t.strictSame(await pool.start({ does: 'echo', value: 'beside it' }), { result: 'beside it' })
  t.equal(lossOf(await outcome), 'cpu')
})

t.test('each new piece of work has its own processor time; the parts of one share it', async t => {
  const pool = poolOf(t, { size: 1, limits: { ...limits, cpuMs: 700 } })
  const work = { does: 'parts', count: 8, burnMs: 200 } as const
  t.strictSame(await pool.start({ ...work, isNew: true }), { result: 28 })
  t.equal(lossOf(await pool.start(work)), 'cpu')
})

t.test('what the program throws, or ends itself with, is a failure of the task', async t => {
  const pool = poolOf(t, { size: 1 })
  t.match(await pool.start({ does: 'throw' }), { loss: { by: 'failed', reason: 'TypeError: thrown on purpose' } })
  t.match(await pool.start({ does: 'exit' }), { loss: { by: 'failed', reason: /code 7/ } })
  t.match(await pool.start({ does: 'later' }), { loss: { by: 'failed', reason: /thrown later on purpose/ } })
  t.strictSame(await pool.start({ does: 'echo', value: 1 }), { result: 1 })
})

t.test('a child that is killed from outside is gone, and replaced', async t => {
  const pool = poolOf(t, { size: 1 })
  const { outcome } = await started(pool, 'sleep')
  process.kill(pool.pids()[0]!, 'SIGKILL')
  t.match(await outcome, { loss: { by: 'gone', reason: /SIGKILL/ } })
  t.strictSame(await pool.start({ does: 'echo', value: 1 }), { result: 1 })
})

t.test('a child that does nothing is given up, but not while it waits for us', async t => {
  const pool = poolOf(t, { size: 1, limits: { ...limits, stalledMs: 1000 } })
  t.strictSame(await pool.start({ does: 'parts', count: 1 }, async part => (await atLeast(2500), part)), { result: 0 })
  t.equal(lossOf(await (await started(pool, 'sleep')).outcome), 'gone')
})

t.test('a program that cannot be started is gone, not a fault of the task', async t => {
  const pool = poolOf(t, { program: new URL('./no-such-program.ts', import.meta.url) })
  t.equal(lossOf(await pool.start({ does: 'echo', value: 1 })), 'gone')
})

t.test('an aborted task ends its child; one that waits is only forgotten', async t => {
  const pool = poolOf(t, { size: 1 })
  const controller = new AbortController()
  const { outcome } = await started(pool, 'loop', controller.signal)
  const [pid] = pool.pids()
  const waiting = new AbortController()
  const second = pool.start({ does: 'echo', value: 2 }, undefined, waiting.signal)
  const third = pool.start({ does: 'echo', value: 3 })
  waiting.abort(new Error('no more'))
  await t.rejects(second, { message: 'no more' })
  t.ok(isRunning(pid!))
  controller.abort(new Error('left'))
  await t.rejects(outcome, { message: 'left' })
  t.strictSame(await third, { result: 3 })
  await untilGone(pid!)
  await t.rejects(pool.start({ does: 'echo', value: 1 }, undefined, AbortSignal.abort(new Error('before'))), {
    message: 'before',
  })
})

t.test('what is thrown at a part ends the task', async t => {
  const pool = poolOf(t, { size: 1 })
  await t.rejects(
    pool.start({ does: 'parts', count: 2 }, () => {
      throw new Error('no answer')
    }),
    { message: 'no answer' },
  )
  t.strictSame(await pool.start({ does: 'echo', value: 1 }), { result: 1 })
})

t.test('room is bounded by bytes and by places; alone, anything has room', async t => {
  const pool = poolOf(t)
  const refused = { code: 'overloaded', status: 503, retryAfter: 2 }
  const large = pool.enter(bytesOfAll)
  t.throws(() => pool.enter(1), refused)
  large.leave()
  large.leave()
  const small = [1, 2, 3, 4].map(() => pool.enter(1))
  t.throws(() => pool.enter(1), refused, 'a place is taken by the helper of this test, and four by these')
  small.forEach(place => place.leave())
  t.match(pool.status(), { bytes: 0, places: 1 })
  const alone = createChildPool({ program, size: 1, limits, room: { bytes: 1, places: 1 } })
  t.doesNotThrow(() => alone.enter(1000))
})

t.test('a place with many tasks does not keep another one waiting', async t => {
  const pool = poolOf(t, { size: 1 })
  const order: string[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<number>()
  const first = pool.start({ does: 'parts', count: 1 }, () => gate)
  const other = pool.enter(0)
  const many = [1, 2, 3].map(value =>
    pool.start({ does: 'parts', count: 1 }, part => (order.push(`many ${value}`), part)),
  )
  const one = pool.run(
    { does: 'parts', count: 1 },
    { place: other, signal: never, onPart: part => (order.push('one'), part) },
  )
  open(0)
  await Promise.all([first, one, ...many])
  t.ok(order.includes('one'))
  t.equal(order.length, 4)
})

t.test('a child without work ends after a while, and the next task starts another', async t => {
  const pool = poolOf(t, { size: 1, idleMs: 1 })
  await pool.start({ does: 'echo', value: 1 })
  const [pid] = pool.pids()
  await until('no child is left', () => pool.status().children === 0)
  if (pid !== undefined) await untilGone(pid)
  t.strictSame(await pool.start({ does: 'echo', value: 2 }), { result: 2 })
})

t.test('a closed pool ends its children and takes nothing more', async t => {
  const pool = poolOf(t)
  const { outcome } = await started(pool, 'loop')
  const [pid] = pool.pids()
  const closing = pool.close()
  await t.rejects(outcome, { code: 'draining' })
  await closing
  t.notOk(isRunning(pid!))
  await t.rejects(pool.start({ does: 'echo', value: 1 }), { code: 'draining' })
})

t.test('signals that go to all processes at once do not end a child', async t => {
  const pool = poolOf(t, { size: 1 })
  const { promise: gate, resolve: open } = Promise.withResolvers<number>()
  const { promise: isThere, resolve: arrived } = Promise.withResolvers<void>()
  const outcome = pool.start({ does: 'parts', count: 2 }, async part => (arrived(), await gate, part))
  await isThere
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pool.pids()[0]!, signal)
  open(0)
  t.strictSame(await outcome, { result: 1 })
})

for (const does of ['loop', 'sleep']) {
  t.test(`a child whose parent is killed ends, also at: ${does}`, async t => {
    const parent = spawn(
      process.execPath,
      [fileURLToPath(new URL('../support/pool-owner.ts', import.meta.url)), does],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    t.teardown(() => void parent.kill('SIGKILL'))
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    t.ok(isRunning(pid))
    parent.kill('SIGKILL')
    await untilGone(pid)
  })
}

t.test('usage of a process is told by /proc and by ps alike', async t => {
  t.equal(await processUsage(2 ** 30), null)
  t.equal(await usageFromPs(2 ** 30), null)
  const [told, ps] = [await processUsage(process.pid), await usageFromPs(process.pid)]
  t.ok(told && told.cpuMs > 0 && told.rssBytes > 10 * megabyte)
  t.ok(ps && ps.rssBytes > told!.rssBytes / 2 && ps.rssBytes < told!.rssBytes * 2)
})

t.test('without a file descriptor left no child can be started: the tasks are lost, and not the process', async t => {
  const script = fileURLToPath(new URL('../support/few-descriptors.ts', import.meta.url))
  const child = spawn('sh', ['-c', 'ulimit -n 60 && exec "$0" "$1"', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, complaints] = [child.stdout, child.stderr].map(async stream =>
    (await stream.setEncoding('utf8').toArray()).join(''),
  )
  await once(child, 'close')
  t.equal(await complaints, '')
  const { without, after, ...left } = JSON.parse((await said) ?? '')
  for (const { loss } of without) t.match(loss, { by: 'gone', reason: /EMFILE/ })
  t.strictSame(left, { waiting: 0, children: 0 })
  t.strictSame(after, { result: 'hello' }, 'with descriptors again, it goes on')
})

t.test('a child stands behind this process where both want a processor', async t => {
  const pool = poolOf(t)
  await pool.start({ does: 'echo', value: 1 })
  for (const pid of pool.pids()) {
    t.equal(getPriority(pid), 19)
    const threads = readdirSync(`/proc/${pid}/task`).map(Number)
    t.ok(threads.length > 3, `${threads.length} threads, some of which collect garbage`)
    for (const thread of threads) t.equal(getPriority(thread), 19, `thread ${thread - pid}`)
  }
})
