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
const answer = 'The library lends ten books for three weeks, and its rules are these. '.repeat(14)

async function writeRows(path: string, row: (i: number) => string, header = ''): Promise<void> {
  const file = createWriteStream(path)
  file.write(header)
  for (let i = 0; i < rows; i++) if (!file.write(row(i))) await once(file, 'drain')
  file.end()
  await once(file, 'finish')
}

/**
 * How much more memory is in use in the second half of the rows than in the first. Of each half the least counts,
 * because what is being read just then, and what the engine keeps for a while, comes and goes by some megabytes.
 */
async function growthOf(path: string): Promise<{ documents: number; growth: number }> {
  let documents = 0
  const least = [Infinity, Infinity]
  for await (const result of readPaths([path])) {
    if ('fault' in result) throw new Error(result.fault.reason)
    documents += 1
    if (documents % 2000 !== 0) continue
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    const half = documents <= rows / 2 ? 0 : 1
    least[half] = Math.min(least[half]!, heapUsed + external)
  }
  return { documents, growth: least[1]! - least[0]! }
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
