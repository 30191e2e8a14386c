import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

/**
 * `npm run test:slow`: what takes minutes. The tests of this folder (real clusters, browsers, large documents) and those
 * with real models (`npm run test:models`), then the faults and the hostile client in its short form. Each runs even if an earlier one failed; exit code 1 if any did.
 */

type Command = readonly [string, ...string[]]

const tests: Command = ['tap', 'test/slow/**/*.test.ts', 'test/models/**/*.test.ts']
const faults: Command = [process.execPath, 'test/faults/run.ts']
const hostile: Command = [process.execPath, 'test/hostile/run.ts', '--short']

await run(tests)
// The faults wait most of the time, so the hostile client runs next to them. Its output follows theirs in one piece.
const [, output] = await Promise.all([run(faults), outputOf(hostile)])
process.stdout.write(output)

async function run([command, ...args]: Command): Promise<void> {
  await ended(spawn(command, args, { stdio: 'inherit' }))
}

async function outputOf([command, ...args]: Command): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await Promise.all([text(child.stdout), ended(child)])
  return output
}

async function ended(child: NodeJS.EventEmitter): Promise<void> {
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) process.exitCode = 1
}
