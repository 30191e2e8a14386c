import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { databaseSettings, skipReason } from '../support/app.ts'
import { runCliProcess } from '../support/cli.ts'

/** Enough to see what grows with the file, without minutes of database work. */
const megabytes = 18
const smallMegabytes = 6
/** Buffers outside the heap come and go; the rows, terms and chunks of the larger file would be several times this. */
const allowedGrowthMb = 128

const words =
  'студент подаёт заявление деканат экзамен проходит аудитория библиотека выдаёт книгу стипендия общежитие кафедра лекция зачёт'.split(
    ' ',
  )

/** Memory told by the process itself, at its end. With a small heap: V8 lets garbage lie while there is room. */
const tellMemory = "process.on('exit', () => process.stderr.write(`maxRSS ${process.resourceUsage().maxRSS}`))"
const nodeArgs = ['--max-old-space-size=128', '--import', `data:text/javascript,${encodeURIComponent(tellMemory)}`]

t.test(
  `${megabytes} MB of rows through the whole of askwell ingest: memory stays flat`,
  { skip: skipReason('postgres') },
  async t => {
    const cwd = t.testdir({})
    const small = await mostMemory(smallMegabytes)
    const large = await mostMemory(megabytes)
    t.comment(`${small.chunks} chunks: ${small.mb} MB; ${large.chunks} chunks: ${large.mb} MB`)
    t.ok(large.mb - small.mb < allowedGrowthMb, `grows by ${large.mb - small.mb} MB`)

    async function mostMemory(size: number) {
      const name = `rows-${size}.jsonl`
      const rows = await writeRows(join(cwd, name), size)
      const { code, json, stderr } = await runCliProcess(['ingest', name, '--language', 'ru', '--json'], {
        cwd,
        env: await databaseSettings(t, 'postgres'),
        nodeArgs,
      })
      t.equal(code, 0)
      t.equal(json.added, rows)
      const kilobytes = Number(/maxRSS (\d+)/.exec(stderr)?.[1])
      return { chunks: json.chunks, mb: Math.round(kilobytes / 1024) }
    }
  },
)

/** In Russian, which the local model does not read: no time goes into vectors. Returns how many rows. */
async function writeRows(path: string, size: number): Promise<number> {
  const file = createWriteStream(path)
  let rows = 0
  for (let bytes = 0; bytes < size * 1e6; rows++) {
    const line = `${JSON.stringify({ id: `r${rows}`, title: `Вопрос ${rows}`, text: textOf(rows) })}\n`
    bytes += Buffer.byteLength(line)
    if (!file.write(line)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'finish')
  return rows
}

function textOf(row: number): string {
  return Array.from(
    { length: 100 },
    (_, i) => `${words[(row * 7 + i * (1 + (row % 11))) % words.length]}${i % 10 === 9 ? ` ${row % 5000}.` : ''}`,
  ).join(' ')
}
