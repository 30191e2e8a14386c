import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { keptRows, rowsVariable, tableOf } from './table.ts'
import { workersVariable } from './world.ts'

const usage = `usage: npm run test:faults [-- [--json] [--workers N] [FILE …]]

Breaks Postgres, Redis, the model, clients and the process itself while questions are asked, and prints what became of
them. FAULTS=long takes three times as long and asks more, for figures. --workers N breaks a service with WORKERS=N.`

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
})

if (values.help) console.log(usage)
else process.exitCode = await run(positionals.length > 0 ? positionals : inOrder(globSync('test/faults/*.fault.ts')))

/** The longest first, so that it is not waited for at the end. */
function inOrder(files: readonly string[]): string[] {
  const isLong = (file: string) => Number(file.includes('postgres'))
  return files.toSorted((a, b) => isLong(b) - isLong(a) || a.localeCompare(b))
}

async function run(files: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-faults-'))
  const rows = join(folder, 'rows')
  try {
    // Scenarios wait most of the time, and each has servers of its own: three at a time on two cores.
    const tests = spawn('tap', ['--jobs=3', '--timeout=1800', ...files], {
      stdio: 'inherit',
      env: { ...process.env, [rowsVariable]: rows, [workersVariable]: values.workers },
    })
    const [code] = (await once(tests, 'close')) as [number | null]
    print(rows)
    return code ?? 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function print(file: string): void {
  const rows = keptRows(file)
  if (values.json) console.log(JSON.stringify(rows, null, 2))
  else if (rows.length > 0)
    console.log(
      `\n${tableOf(rows)}\n\nCounts are of the time of the fault; times are p50/p99 of questions never asked before, in ms; refused in: of those refused in the 2nd half.\n`,
    )
}
