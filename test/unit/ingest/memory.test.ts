import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { readPaths } from '../../support/read-paths.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const rows = 20_000
/** Until then the code itself takes some megabytes more; a row that stays in memory shows in the others. */
const warmUp = 6000
const answer = 'The library lends ten books for three weeks, and its rules are these. '.repeat(14)

async function writeRows(path: string, row: (i: number) => string, header = ''): Promise<void> {
  const file = createWriteStream(path)
  file.write(header)
  for (let i = 0; i < rows; i++) if (!file.write(row(i))) await once(file, 'drain')
  file.end()
  await once(file, 'finish')
}

/** The most memory in use while reading, beyond what was in use after the first rows. */
async function growthOf(path: string): Promise<{ documents: number; growth: number }> {
  let documents = 0
  let first = 0
  let most = 0
  for await (const result of readPaths([path])) {
    if ('fault' in result) throw new Error(result.fault.reason)
    documents += 1
    if (documents % 2000 !== 0 || documents < warmUp) continue
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    first ||= heapUsed + external
    most = Math.max(most, heapUsed + external)
  }
  return { documents, growth: most - first }
}

t.test('20 MB of rows: memory stays flat', async t => {
  const folder = t.testdir()
  await writeRows(join(folder, 'a.jsonl'), i => `${JSON.stringify({ question: `Question ${i}?`, answer })}\n`)
  await writeRows(join(folder, 'b.csv'), i => `Question ${i}?,"${answer}"\n`, 'question,answer\n')
  for (const name of ['a.jsonl', 'b.csv']) {
    const { documents, growth } = await growthOf(join(folder, name))
    t.equal(documents, rows)
    t.ok(growth < 5 * 2 ** 20, `${name}: ${(growth / 2 ** 20).toFixed(1)} MB more`)
  }
})
