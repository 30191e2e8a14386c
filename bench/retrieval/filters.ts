import { hash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createPassageStore } from '../../src/adapters/postgres/store/passages.ts'
import { openDatabase } from '../../src/adapters/postgres/database.ts'
import type { Filters } from '../../src/ask/terms/question.ts'
import { urlOf } from '../../test/support/postgres.ts'
import { readAsked, retrievalFrom } from './asked.ts'
import { openedByProduct } from './opened.ts'
import { withServerCpu } from './server-cpu.ts'
import { defaultFolder, openServer } from './server.ts'
import { databaseOf } from './sizes.ts'

/**
 * `node bench/retrieval/filters.ts --size 100k`: how long retrieval takes with filters, from a collection that load.ts made.
 * `found` is a digest of the passages, the same for two versions that find the same.
 */
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '100k' },
    /** Of that size's collection, when it is in another database. */
    database: { type: 'string' },
    questions: { type: 'string', default: '100' },
    turns: { type: 'string', default: '3' },
    folder: { type: 'string', default: defaultFolder },
  },
})

/** With the share of chunks that pass: topics are 20, years 2015…2025. */
const filters: Readonly<Record<string, Filters>> = {
  none: {},
  '0.5 %: topic and year': { topic: 3, year: 2020 },
  '5 %: topic': { topic: 3 },
  '9 %: year': { year: 2020 },
  '25 %: one of five topics': { topic: { in: [1, 2, 3, 4, 5] } },
  '73 %: from a year on': { year: { gte: 2018 } },
  '0 %: no such topic': { topic: 99 },
}

const port = await openServer(options.folder)
const url = urlOf(port, options.database ?? databaseOf(options.size))
const { collection } = await openedByProduct(url, databaseOf(options.size))
const questions = readAsked(options.folder, options.size, collection).slice(0, Number(options.questions))
const turns = Number(options.turns)
for (const [name, each] of Object.entries(filters)) {
  const { result, cpuMs } = await withServerCpu(options.folder, () => measure(each))
  console.log(
    JSON.stringify({
      filter: name,
      ...result,
      cpuMs: cpuMs === null ? null : Number((cpuMs / (turns * questions.length)).toFixed(2)),
    }),
  )
}

/** Milliseconds; of each question the best of all turns. The server's processor time a question is what neighbours on the machine disturb least. */
async function measure(wanted: Filters): Promise<object> {
  const database = await openDatabase({
    url,
    dataDir: undefined,
    poolSize: 1,
    poolMaxOverflow: 0,
    poolMaxWaiting: 1,
    statementTimeoutMs: 60_000,
  })
  const retrieve = retrievalFrom(createPassageStore(database))
  const best = questions.map(() => Infinity)
  const found: string[] = []
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, asked] of questions.entries()) {
      const started = performance.now()
      const { passages } = await retrieve({ ...asked, wanted: { ...asked.wanted, filters: wanted } })
      best[index] = Math.min(best[index]!, performance.now() - started)
      if (turn === 0)
        found.push(passages.map(passage => `${passage.chunkId} ${JSON.stringify(passage.metadata)}`).join())
    }
  }
  await database.close()
  best.sort((a, b) => a - b)
  const at = (share: number) => Number(best[Math.floor(share * (best.length - 1))]!.toFixed(2))
  return { p50: at(0.5), p95: at(0.95), found: hash('sha256', found.join('\n')).slice(0, 12) }
}
