import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { askAll, createClient } from './asking.ts'
import { permitQuestion } from './documents.ts'
import { atMost, exactly, rounded } from './figures.ts'
import type { Keeper } from './keeper.ts'
import { residentBytesOf } from './program.ts'
import { serveAskwell } from './servers.ts'
import { permitCount, permits, type Outcome, type World } from './world.ts'

const execute = promisify(execFile)
const fill = fileURLToPath(new URL('fill-memory.ts', import.meta.url))
const mb = 2 ** 20

interface Filled {
  readonly boundMb: number
  readonly reckonedMb: number
  readonly grownMb: number
  readonly answers: number
  readonly vectors: number
}

/** Memory stays within the bounds that the settings set: a million questions through the tiers, some through a whole service. */
export async function million(world: World, t: Keeper): Promise<Outcome> {
  const count = world.isQuick ? 50_000 : 1_000_000
  const filled = await throughTiers(count)
  const rows = await throughService(world, t)
  // Peaks of both halves: the collector lets it rise and fall by a quarter between.
  const peaks = [rows.slice(0, rows.length / 2), rows.slice(rows.length / 2)].map(half =>
    Math.max(...half.map(row => row['resident, MB'])),
  )
  return {
    tables: [
      {
        title: `${count} answers of 3 kB and their vectors through the memory tiers, bounds 64 MB + 32 MB`,
        rows: [line(filled)],
      },
      { title: 'different questions through a service, bounds 8 MB + 4 MB', rows },
    ],
    claims: [
      atMost('million: heap and buffers grown, of the bound', filled.grownMb / filled.boundMb, 1),
      atMost(
        'million: peak of resident memory in the second half of the questions, of that in the first',
        peaks[1]! / peaks[0]!,
        1.1,
      ),
      exactly(
        'million: replies that are not 200',
        rows.reduce((sum, row) => sum + row.not200, 0),
        0,
      ),
    ],
  }
}

async function throughTiers(count: number): Promise<Filled> {
  const { stdout } = await execute(process.execPath, ['--expose-gc', fill, String(count), '64', '32'])
  return JSON.parse(stdout) as Filled
}

function line({ boundMb, reckonedMb, grownMb, answers, vectors }: Filled): object {
  return {
    'bound, MB': boundMb,
    'reckoned, MB': rounded(reckonedMb),
    'grown, MB': rounded(grownMb),
    'answers held': answers,
    'vectors held': vectors,
  }
}

async function throughService({ settings, isQuick }: World, t: Keeper) {
  const { address, program } = await serveAskwell(t, { ...settings, ANSWER_CACHE_MB: '8', EMBEDDING_CACHE_MB: '4' })
  const client = createClient(address)
  t.teardown(client.close)
  const rows = []
  const [steps, each] = isQuick ? [4, 400] : [8, 2500]
  for (let step = 0; step < steps; step++) {
    const bodies = Array.from({ length: each }, (_, i) => ({
      question: permitQuestion(i % permitCount, step * each + i),
      collection: permits,
    }))
    const replies = await askAll(client, bodies, 8)
    rows.push({
      questions: (step + 1) * each,
      'resident, MB': rounded(residentBytesOf(program.pid) / mb),
      fresh: replies.filter(({ cache }) => cache === 'miss').length,
      not200: replies.filter(({ status }) => status !== 200).length,
    })
  }
  return rows
}
