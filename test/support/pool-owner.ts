/** A process with a pool whose only child runs an endless task. It prints the child's pid and is killed by its test. */
import { createChildPool } from '../../src/adapters/child-processes/pool.ts'

const limits = { cpuMs: 600_000, memoryBytes: 2 ** 30, stalledMs: 600_000 }
const pool = createChildPool<{ does: string }, number, number, unknown>({
  program: new URL('./unruly-child.ts', import.meta.url),
  size: 1,
  limits,
  room: { bytes: 1, places: 1 },
})
const onPart = () => {
  process.stdout.write(`${pool.pids()[0]}\n`)
  return 0
}
await pool.run({ does: process.argv[2]! }, { place: pool.enter(0), signal: new AbortController().signal, onPart })
