import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

/** The flags that bound V8's memory, as docs/operations/deploy.md promises them of `bin/askwell.js serve`. */

const bin = fileURLToPath(new URL('../../bin/askwell.js', import.meta.url))

/** Fills the young generation before the program runs, and reports how large it got. */
const probe = `
import { getHeapSpaceStatistics } from 'node:v8'
const kept = []
let young = 0
for (let i = 0; i < 1500; i++) {
  kept.push(Array.from({ length: 1000 }, (_, j) => ({ i, j })))
  if (kept.length > 40) kept.shift()
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
  young = Math.max(young, space_size / 2 ** 20)
}
console.log(JSON.stringify({ pid: process.pid, young, args: process.execArgv }))`

interface Start {
  readonly pid: number
  /** Size of the young generation in MB. */
  readonly young: number
  readonly args: readonly string[]
}

/** Runs a command that ends at once, for a setting that is wrong, and reports each start of Node. */
function startsOf({ command = 'serve', options = '', args = [] }: Given) {
  const nodeOptions = `--import=data:text/javascript,${encodeURIComponent(probe)} ${options}`
  const { pid, status, stdout, stderr } = spawnSync(process.execPath, [...args, bin, command], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: 'nowhere', NODE_OPTIONS: nodeOptions },
    encoding: 'utf8',
  })
  const starts = stdout.split('\n').filter(line => line.startsWith('{"pid"'))
  return { pid, status, stderr, starts: starts.map(line => JSON.parse(line) as Start) }
}

interface Given {
  readonly command?: string
  readonly options?: string
  readonly args?: readonly string[]
}

t.test('serve: they take effect, in the process that was started', async t => {
  const { pid, status, stderr, starts } = startsOf({})
  t.equal(starts.length, 2)
  t.same(starts.at(-1)!.args, ['--max-semi-space-size=8', '--heap-growing-percent=25'])
  t.ok(starts.at(-1)!.young <= 16, `the young generation takes ${starts.at(-1)!.young} MB`)
  t.equal(starts.at(-1)!.pid, pid)
  t.match(
    { status, stderr },
    { status: 78, stderr: /^Askwell cannot start with these settings:\n {2}PORT is "nowhere"/ },
  )
})

t.test('a value of the user wins, in NODE_OPTIONS or after node', async t => {
  t.same(startsOf({ options: '--max_semi_space_size=4' }).starts.at(-1)!.args, ['--heap-growing-percent=25'])
  const own = ['--heap-growing-percent=50', '--max-semi-space-size=4']
  const { starts } = startsOf({ args: own })
  t.same(
    starts.map(({ args }) => args),
    [own],
    'and nothing is started again',
  )
})

t.test('other commands run as they are', async t => {
  const { starts } = startsOf({ command: 'migrate' })
  t.same(
    starts.map(({ args }) => args),
    [[]],
  )
})
