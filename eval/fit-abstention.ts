/**
 * Learns when to abstain: asks judged questions, and fits src/ask/abstention/learned.ts to what the service saw.
 *
 *   node eval/fit-abstention.ts gather --to signals.jsonl [--setup NAME] SET…   ask, with the models of the environment
 *   node eval/fit-abstention.ts fit --from signals.jsonl [--test SET…]          fit, report, write the models
 *
 * See docs/guides/answers.md.
 */
import { analyzeTables } from '../src/adapters/postgres/analyze.ts'
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import * as prettier from 'prettier'
import { readConfig } from '../src/config/config.ts'
import { openDeps, type Deps } from '../src/deps.ts'
import { abstentionReport } from '../src/eval/abstention-report.ts'
import { changedQuestions, misspelt } from '../src/eval/changed-questions.ts'
import { fitModels, type Fitted } from '../src/eval/fit-abstention.ts'
import { loadableOf, withCollection } from '../src/eval/collection.ts'
import { judgementsOf, readKinded, sampleByKind, type Observed } from '../src/eval/gather-signals.ts'
import { readSet, type EvalSet } from '../src/eval/set.ts'
import { createLogger } from '../src/log.ts'
import { calibrate } from '../src/wiring/calibrate.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    to: { type: 'string' },
    from: { type: 'string', multiple: true },
    setup: { type: 'string', default: 'default' },
    'per-kind': { type: 'string', default: '150' },
    seed: { type: 'string', default: '1' },
    report: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
  },
})

/** Of the answerable questions, how many are asked with a misspelling, too. */
const misspeltShare = 0.25

const [command, ...sets] = positionals
const signal = new AbortController().signal
if (command === 'gather' && options.to !== undefined && sets.length > 0) await gather(sets, options.to)
else if (command === 'fit' && options.from !== undefined) await fit(options.from)
else throw new Error('usage: fit-abstention.ts gather --to FILE SET… | fit --from FILE…')

/** Asks the questions of each set, and appends what was seen to the file; sets that are in it already are left out. */
async function gather(folders: readonly string[], file: string): Promise<void> {
  const config = readConfig(process.env)
  const done = new Set(observedIn(file).map(each => `${each.setup} ${each.set}`))
  const deps = await openDeps(
    {
      ...config,
      database: { ...config.database, dataDir: undefined },
      redis: undefined,
      // Every question is answered, and every answer is quoted.
      models: { ...config.models, chat: null },
      ask: { ...config.ask, abstainBelow: 0 },
      log: { ...config.log, level: 'silent' },
    },
    createLogger({ ...config, log: { ...config.log, level: 'silent' } }),
  )
  try {
    for (const folder of folders) {
      const name = folder
        .split(':')
        .map(path => basename(path))
        .join(':')
      if (done.has(`${options.setup} ${name}`)) continue
      const observed = await observe(folder, name, deps, config.ask.timeoutMs)
      appendFileSync(file, observed.map(each => `${JSON.stringify(each)}\n`).join(''))
      console.log(`${options.setup} ${name}: ${observed.length} questions`)
    }
  } finally {
    await deps.close()
  }
}

/** `documents:questions` asks the questions of another set: the same ones in another language. */
async function observe(folder: string, set: string, deps: Deps, timeoutMs: number) {
  const { store, models, cachedAsk } = deps
  const [documents = folder, questions = documents] = folder.split(':')
  const { embedder } = models
  const evalSet = await readSet(documents)
  const asked = await questionsOf(questions, evalSet, Number(options['per-kind']))
  const loaded = loadableOf(evalSet, embedder, () => {})
  const settle = async (until: AbortSignal) => await analyzeTables(deps.database, until)
  const loading = { store, embedder, signal, onProgress() {}, settle }
  return await withCollection(loaded, false, loading, async collection => {
    // As the service does after documents were written.
    await calibrate(collection, { ...deps, embedder: models.embedder }, { signal })
    deps.snapshots.invalidate(collection)
    const observed: Observed[] = []
    for (const question of asked) {
      const { id, language = 'und', kind, isAnswerable } = question
      const found = await judgementsOf(question, { ask: cachedAsk.ask, collection, timeoutMs, signal })
      observed.push({
        set,
        setup: options.setup,
        id,
        language,
        kind,
        isAnswerable,
        passages: found.judgedPassages?.signals ?? {},
        answer: found.judgedAnswer?.signals ?? null,
      })
    }
    return observed
  })
}

/** A sample of each kind, and the answerable ones once more with a word changed, and some of them misspelt. */
async function questionsOf(folder: string, { documents, variants }: EvalSet, perKind: number) {
  const seed = Number(options.seed)
  const all = await readKinded(folder)
  const asked = sampleByKind(all, perKind, seed)
  const answerable = asked.filter(each => each.isAnswerable)
  const answeredBy = new Map(
    variants[0]!.questions.map(({ id, judged }) => [id, judged.keys().toArray()] as const),
  )
  const from = { documents, answeredBy, donors: all, seed }
  return [
    ...asked,
    ...changedQuestions(answerable, from),
    ...misspelt(answerable.slice(0, answerable.length * misspeltShare), seed),
  ]
}

function observedIn(file: string): Observed[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Observed)
}

async function fit(files: readonly string[]): Promise<void> {
  const observed = files.flatMap(observedIn)
  const fitted = fitModels(observed)
  const report = abstentionReport(fitted)
  console.log(report)
  if (options.report !== undefined) writeFileSync(options.report, report)
  if (!options['dry-run']) await write(fitted)
}

async function write({ learned }: Fitted): Promise<void> {
  const file = new URL('../src/ask/abstention/learned.ts', import.meta.url).pathname
  const text = `import type { LearnedModels } from './model.ts'

/** Written by eval/fit-abstention.ts. */
export const learned: LearnedModels = ${JSON.stringify(learned)}
`
  writeFileSync(file, await prettier.format(text, { ...(await prettier.resolveConfig(file)), parser: 'typescript' }))
}
