import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { Keeper } from '../../cache/keeper.ts'
import { pinned } from '../../cache/program.ts'
import type { Claim } from '../../cache/world.ts'
import { rounded } from '../../cache/figures.ts'
import type { Outcome, Scenario, World } from '../terms.ts'
import { allCores } from '../world.ts'

const execute = promisify(execFile)
const program = fileURLToPath(new URL('../../overload.ts', import.meta.url))

/** bench/overload.ts, which has a world of its own; its figures are ratios to the peak that it measures itself. */
async function run(_: World, t: Keeper): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-bench-overload-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'overload.json')
  const [command, ...args] = pinned(allCores, [process.execPath, program, '--seconds', '20', '--json', file])
  await execute(command!, args, { maxBuffer: 1e8 })
  const { peak, claims } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly peak: number
    readonly claims: readonly Claim[]
  }
  return {
    tables: [
      {
        title: 'three times the peak, 20 s',
        rows: [
          {
            'answered a second at the peak': rounded(peak, 1),
            ...Object.fromEntries(claims.map(({ what, measured }) => [what, measured])),
          },
        ],
      },
    ],
    claims: claims.map(claim => ({ ...claim, what: `overload: ${claim.what}` })),
  }
}

export const overload: Scenario = {
  about: 'three times more fresh questions than can be answered',
  fullSeconds: 90,
  needs: 'postgres',
  run,
}
