import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * `npm run test:slow`: what takes minutes. The tests of this folder (real clusters, browsers, models, large documents),
 * then the faults, then the hostile client in its short form. Each runs even if an earlier one failed; exit code 1 if any did.
 */
const parts: readonly (readonly [string, ...string[]])[] = [
  ['tap', 'test/slow/**/*.test.ts'],
  [process.execPath, 'test/faults/run.ts'],
  [process.execPath, 'test/hostile/run.ts', '--short'],
]

for (const [command, ...args] of parts) {
  const [code] = (await once(spawn(command, args, { stdio: 'inherit' }), 'close')) as [number | null]
  if (code !== 0) process.exitCode = 1
}
