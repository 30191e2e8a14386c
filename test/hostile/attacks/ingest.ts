import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuSeconds } from '../processes.ts'
import { hostileCollection, type Attack, type Hand } from '../terms.ts'
import { pdfBomb, zipBomb } from './archives.ts'
import { filled, htmlBombs, ordinaryMarkdown, yamlAliases } from './shapes.ts'

/** `askwell ingest` of a folder that somebody else filled, into the database of the running service. */

export const ingestAttack: Attack = {
  name: 'askwell ingest: a folder of files that end a program',
  routes: ['POST /search'],
  isOnce: true,
  play: ingest,
}

const hostileFiles: Readonly<Record<string, () => string | Buffer>> = {
  'aliases.md': () => yamlAliases(9),
  'fence.md': () => `\`\`\`\n${filled('let a = 1;\n', 2_000_000)}`,
  'list.md': () => filled('- a\n', 2_000_000),
  'word.txt': () => filled('word', 10_000_000),
  'quotes.csv': () => `question,answer\n${filled('"a,b\n', 2_000_000)}`,
  'ids.jsonl': () =>
    `${JSON.stringify({ id: filled('i', 1500), text: 'The text of a row.' })}\n${JSON.stringify({ id: 'good', text: 'A good row about the harbour.' })}\n`,
  'wide.html': () => '<table><tr><td colspan="1000000000">a</td></tr></table>',
  'deep.html': () => htmlBombs['elements in elements']!(400_000),
  'bomb.docx': () => zipBomb(250_000_000),
  'bomb.pdf': () => pdfBomb(250_000_000),
}

/** What must be loaded whatever stands beside it. */
const goodFiles: Readonly<Record<string, () => string>> = {
  'good.md': () => '# Ferry\n\nThe ferry leaves the harbour at half past nine.\n',
  'zz-last.md': () => ordinaryMarkdown(20_000),
}

async function ingest(hand: Hand): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-hostile-files-'))
  try {
    for (const [name, make] of Object.entries({ ...hostileFiles, ...goodFiles }))
      writeFileSync(join(folder, name), make())
    const { code, output } = await run(hand, folder)
    if (code !== 3) hand.found(`askwell ingest ended with ${code}, not 3 (the rest is loaded): ${output.slice(-600)}`)
    const { body } = await hand.send('POST', '/search', {
      body: { question: 'When does the ferry leave the harbour?', collection: hostileCollection },
    })
    if (!body.includes('half past nine')) hand.found(`the good files were not loaded: ${body.slice(0, 300)}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Of each document; the default is sixty, and ten files are to be given up here. */
const ownLimit = { PREPARE_CPU_SECONDS: '10' }
/** Of the whole command: what one file takes must end by itself. Not by the clock, which a busy machine stretches. */
const mostSeconds = 400

async function run({ surroundings: { checkout, env }, signal }: Hand, folder: string) {
  const args = [
    '--max-old-space-size=512',
    join(checkout, 'src/cli.ts'),
    'ingest',
    folder,
    '--collection',
    hostileCollection,
  ]
  const child = spawn(process.execPath, args, {
    cwd: checkout,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env, ...ownLimit },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-10_000)))
  const kill = () => child.kill('SIGKILL')
  const watching = setInterval(() => cpuSeconds(child.pid!) > mostSeconds && kill(), 500)
  signal.addEventListener('abort', kill)
  const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearInterval(watching)
  return { code: code ?? killedBy, output }
}
