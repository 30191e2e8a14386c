import { parseArgs } from 'node:util'
import { copyCheckout } from './checkout.ts'
import { mutations, type Mutation } from './list.ts'
import { runTest } from './one-test.ts'

const usage = `usage: npm run test:mutations [-- [--only NAME] [--jobs N] [--control] [--list]]

Puts one small fault after the other into a copy of this checkout and runs the tests that must fail with it. Prints a
table; exit code 1 unless every fault is caught.

  --only NAME   only faults with this in their name, or in that of a test; may be given several times
  --jobs N      faults at the same time (default 1)
  --control     first run these tests without a fault: one that fails then would catch anything
  --list        print the faults and their tests, and run nothing
`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: '1' },
    control: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

type Outcome = 'caught' | 'SURVIVED' | 'skipped' | 'crashed' | 'could not be applied'

interface Row {
  readonly name: string
  readonly outcome: Outcome
  /** The test file that decided it, and what it said. */
  readonly by: string
  readonly seconds: number
}

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupted.abort(new Error(`ended by ${signal}`)))

const chosen = mutations.filter(
  ({ name, tests }) => values.only.length === 0 || values.only.some(part => [name, ...tests].join().includes(part)),
)

if (values.help) console.log(usage)
else if (values.list) console.log(tableOf(chosen.map(({ name, tests }) => [name, tests.join(', ')])))
else process.exitCode = await run().catch(whenInterrupted)

function whenInterrupted(error: unknown): number {
  if (!interrupted.signal.aborted) throw error
  console.error('interrupted')
  return 130
}

async function run(): Promise<number> {
  if (chosen.length === 0) throw new Error(`no fault has ${values.only.join(' or ')} in its name: see --list`)
  if (values.control && !(await passWithoutFault())) return 1
  const rows = await inLanes(chosen, async mutation => {
    const row = await judged(mutation)
    console.error(`${row.name}: ${row.outcome}`)
    return row
  })
  const lines = rows.map(({ name, outcome, by, seconds }) => [name, outcome, `${seconds.toFixed(1)} s`, by])
  console.log(`\n${tableOf([['fault', 'result', 'took', 'by'], ...lines])}\n`)
  const caught = rows.filter(({ outcome }) => outcome === 'caught').length
  console.log(`${caught} of ${rows.length} faults caught`)
  if (rows.some(({ outcome }) => outcome === 'skipped'))
    console.log('Skipped tests decide nothing; sudo deploy/install-services.sh installs the servers that are missing.')
  return caught === rows.length ? 0 : 1
}

async function judged(mutation: Mutation): Promise<Row> {
  const startedAt = performance.now()
  const row = (outcome: Outcome, by: string): Row => {
    return { name: mutation.name, outcome, by, seconds: (performance.now() - startedAt) / 1000 }
  }
  const checkout = copyCheckout()
  try {
    if (!checkout.apply(mutation)) return row('could not be applied', `${mutation.file} does not have its text once`)
    let last = row('SURVIVED', '')
    for (const test of mutation.tests) {
      const { result, detail } = await runTest(test, checkout.folder, interrupted.signal)
      const by = detail === '' ? test : `${test}: ${detail}`
      if (result === 'failed') return row('caught', by)
      last = row(result === 'crashed' ? 'crashed' : detail === '' ? 'SURVIVED' : 'skipped', by)
    }
    return last
  } finally {
    checkout.remove()
  }
}

/** Whether the tests of the chosen faults pass as they are. */
async function passWithoutFault(): Promise<boolean> {
  const checkout = copyCheckout()
  try {
    const files = [...new Set(chosen.flatMap(({ tests }) => tests))]
    const ends = await inLanes(files, async file => {
      const end = await runTest(file, checkout.folder, interrupted.signal)
      console.error(`${file}: ${end.result} without a fault`)
      return { file, ...end }
    })
    const failed = ends.filter(({ result }) => result !== 'passed')
    for (const { file, detail } of failed) console.log(`${file} fails without a fault: ${detail}`)
    return failed.length === 0
  } finally {
    checkout.remove()
  }
}

/** Maps the items with `--jobs` of them at the same time; results are in the order of the items. */
async function inLanes<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  // All lanes take from one iterator, so each item is taken once.
  const queue = items.entries()
  const lane = async () => {
    for (const [place, item] of queue) {
      interrupted.signal.throwIfAborted()
      results[place] = await work(item)
    }
  }
  // Every lane removes its copy before the first failure is thrown.
  const ends = await Promise.allSettled(Array.from({ length: Math.max(1, Number(values.jobs) || 1) }, lane))
  const failed = ends.find(end => end.status === 'rejected')
  if (failed) throw failed.reason
  return results
}

/** Left-aligned columns; the last one is not padded. */
function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
