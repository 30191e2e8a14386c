/**
 * Runs a pool in a process without free file descriptors, as after a rush of connections, and prints the results of its
 * tasks.
 */
import { closeSync, openSync } from 'node:fs'
import { createChildPool } from '../../src/adapters/child-processes/pool.ts'
import type { UnrulyTask } from './unruly-child.ts'

const pool = createChildPool<UnrulyTask, number, number, unknown>({
  program: new URL('./unruly-child.ts', import.meta.url),
  size: 2,
  limits: { cpuMs: 60_000, memoryBytes: 2 ** 29, stalledMs: 600_000 },
  room: { bytes: 1, places: 1 },
})
const place = pool.enter(0)
const echo = () =>
  pool.run({ does: 'echo', value: 'hello' }, { place, signal: new AbortController().signal, onPart: part => part })

const taken = takeAll()
const without = await Promise.all([echo(), echo(), echo()])
const { waiting, children } = pool.status()
for (const each of taken) closeSync(each)
const after = await echo()
await pool.close()
process.stdout.write(JSON.stringify({ without, waiting, children, after }))

function takeAll(): number[] {
  const all: number[] = []
  try {
    for (;;) all.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
    return all
  }
}
