import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { AnswersMeasured } from '../../src/eval/answers/measure.ts'
import type { Measured } from '../../src/eval/measure.ts'
import { exitCodes } from '../../src/commands/exit-codes.ts'
import { pageOf } from './page.ts'
import { readResults, stored, writeResults, type SetupResults } from './results.ts'
import { setupsFor, type Setup } from './settings.ts'

/**
 * `npm run eval:answers [-- FOLDER] [--quick] [--small] [--only SETUP] [--out FOLDER] [--reports FOLDER]`: the whole
 * table of the product, with the sets of FOLDER (or EVAL_SETS; default: ../shared/eval next to the checkout) and the models that the environment
 * names: OPENAI_BASE_URL for a server of multilingual-e5-small, RERANK_URL or RERANK_MODEL=onnx:FOLDER for a
 * cross-encoder. Writes results.md and results.json into the folder `eval`, or that of --out.
 */

const checkout = fileURLToPath(new URL('../..', import.meta.url))
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    /** Only the small corpora, which take minutes; other sets keep their figures. */
    small: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    out: { type: 'string', default: join(checkout, 'eval') },
    reports: { type: 'string' },
  },
})
const folder = positionals[0] ?? process.env['EVAL_SETS'] ?? join(checkout, '../shared/eval')
const perKind = options.quick ? 12 : 40
const perRanking = options.quick ? 40 : 150
/** A busy server of models may time out; it has cached what it made, so the next attempt gets further. */
const attempts = 3

if (!existsSync(folder)) {
  say(`left out: there are no sets in ${folder}; name their folder as an argument or in EVAL_SETS`)
  process.exit(0)
}
await measureAll()

async function measureAll(): Promise<void> {
  const { setups, leftOut } = setupsFor(process.env)
  for (const { title, why } of leftOut) say(`left out: ${title}, because ${why}`)
  const jsonPath = join(options.out, 'results.json')
  let results = await readResults(jsonPath)
  for (const setup of setups.filter(({ name }) => options.only?.includes(name) ?? true)) {
    const before = results.setups[setup.name]
    const measured = options.small && before ? await measureSmall(setup, before) : await measure(setup)
    results = { setups: { ...results.setups, [setup.name]: measured } }
    // After each setup, so that an interrupted run keeps what it has.
    await writeResults(jsonPath, results)
    await writeFile(join(options.out, 'results.md'), pageOf(results, leftOut))
  }
  say(`written: ${join(options.out, 'results.md')}`)
}

async function measure(setup: Setup): Promise<SetupResults> {
  const startedAt = performance.now()
  const sample = Math.max(1, Math.round(perKind * setup.share))
  say(`${setup.title}: answers`)
  const reports = options.reports === undefined ? [] : ['--report', join(options.reports, setup.name)]
  const answers = await evaluate<{ sets: AnswersMeasured[] }>(setup, [
    '--answers',
    '--sample',
    String(sample),
    ...reports,
    ...present(setup.answers),
  ])
  const rankingSets = present(setup.ranking)
  if (rankingSets.length > 0) say(`${setup.title}: ranking`)
  const ranking =
    rankingSets.length === 0
      ? null
      : await evaluate<{ variants: Measured[] }>(setup, ['--sample', String(perRanking), ...rankingSets])
  return {
    title: setup.title,
    command: `npm run eval:answers${options.quick ? ' -- --quick' : ''}`,
    commit: commit(),
    date: now(),
    sample,
    seconds: (performance.now() - startedAt) / 1000,
    sets: (answers?.sets ?? []).map(stored),
    ranking: ranking?.variants ?? [],
  }
}

/** The setup as it was measured before, with new figures of the small corpora. */
async function measureSmall(setup: Setup, before: SetupResults): Promise<SetupResults> {
  say(`${setup.title}: small corpora`)
  const small = present(setup.answers.filter(set => set.startsWith('users/')))
  const answers = await evaluate<{ sets: AnswersMeasured[] }>(setup, [
    '--answers',
    '--sample',
    String(before.sample),
    ...small,
  ])
  const sets = (answers?.sets ?? []).map(stored)
  const renewed = new Map(sets.map(set => [set.name, set]))
  return {
    ...before,
    sets: before.sets.map(set => renewed.get(set.name) ?? set),
    renewed: { sets: [...renewed.keys()], commit: commit(), date: now() },
  }
}

function now(): string {
  return new Date().toISOString().slice(0, 16).replace('T', ' ')
}

/** A set that is not there is left out with a line. */
function present(sets: readonly string[]): string[] {
  return sets.flatMap(set => {
    const path = join(folder, set)
    if (existsSync(path)) return [path]
    say(`left out: ${set}, because it is not in ${folder}`)
    return []
  })
}

/** In a process of its own, because each setup has other models. Null without sets. */
async function evaluate<Result>(setup: Setup, args: readonly string[]): Promise<Result | null> {
  if (!args.some(arg => arg.startsWith(folder))) return null
  for (let made = 1; ; made += 1) {
    const { output, code } = await evaluateOnce(setup, args)
    // Exit code 1 with figures: some are below the baseline of a set, which may be of another model.
    if (output.startsWith('{')) return JSON.parse(output) as Result
    if (made === attempts || code === exitCodes.interrupted)
      throw new Error(`the evaluation of ${setup.title} ended with ${code}`)
    say(`${setup.title}: once more`)
  }
}

async function evaluateOnce(setup: Setup, args: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...setup.env }
  const program = join(checkout, 'src/cli.ts')
  const child = spawn(process.execPath, [program, 'eval', ...args, '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
  return { output, code: code as number | null }
}

function commit(): string {
  try {
    const hash = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: checkout, encoding: 'utf8' }).trim()
    const isChanged = execFileSync('git', ['status', '--porcelain', 'src'], { cwd: checkout, encoding: 'utf8' }) !== ''
    return isChanged ? `${hash}, with changes` : hash
  } catch {
    return 'unknown'
  }
}

function say(line: string): void {
  process.stderr.write(`eval:answers: ${line}\n`)
}
