import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import tap, { type Test } from 'tap'
import { databaseSettings, skipReason, eitherWorld } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { inDatabase } from '../support/contents.ts'

tap.setTimeout(1_800_000)

const faq = fileURLToPath(new URL('../../eval/faq', import.meta.url))
/** Scores TREC runs by itself; it lies beside the repository where the project is developed, not in it. */
const judge = fileURLToPath(new URL('../../../shared/eval/score.mjs', import.meta.url))

for (const world of eitherWorld) {
  tap.test(`the project's own set, ${world}`, { skip: skipReason(world) }, async t => {
    const env = await databaseSettings(t, world)
    const runs = t.testdir({})
    // As the service does by default: the learned gate was fitted with calibrated collections.
    const settings = { ...env, CALIBRATION: 'on' }
    const { code, json, stderr } = await runCli(['eval', faq, '--run', runs, '--json'], { env: settings })

    await t.test('no figure is below the committed baseline', async t => {
      t.equal(code, 0, stderr)
      t.same(json.falls, [])
      t.same(
        json.variants.map((each: { name: string }) => each.name),
        ['faq', 'faq/nodiacritics', 'faq/typo'],
      )
    })

    await t.test('languages, latency and abstention are told', async t => {
      const [plain] = json.variants
      t.same(Object.keys(plain.languages), ['en', 'it', 'kk', 'ru', 'vi'])
      t.match(plain.abstention, { unanswerable: 15, answered: Number, refused: Number })
      t.ok(plain.arms.fused.p50Ms > 0 && plain.arms.fused.p50Ms <= plain.arms.fused.p95Ms)
      t.equal(plain.arms.vector.questions, 73)
      t.ok(plain.arms.vector.empty >= 59, 'the local model reads English alone')
    })

    await t.test('another program scores the runs the same', async t => {
      if (!existsSync(judge)) return t.comment('not compared: the other program is not beside this repository')
      for (const variant of json.variants) await agrees(t, variant, runs)
    })

    await t.test('nothing is left behind', async t => {
      t.same([...(await inDatabase(env, sql => sql`select name from collections`))], [])
    })
  })
}

interface ShownVariant {
  readonly name: string
  readonly arms: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** Within 1e-9, for every arm. */
async function agrees(t: Test, { name, arms }: ShownVariant, runs: string): Promise<void> {
  const { readQrels, readRun, score } = await import(judge)
  const all: Map<string, unknown> = readQrels(join(faq, 'qrels.tsv'))
  const file = name === 'faq' ? 'queries.jsonl' : `queries.${name.split('/')[1]}.jsonl`
  const asked = new Set(
    readFileSync(join(faq, file), 'utf8')
      .trim()
      .split('\n')
      .map(line => (JSON.parse(line) as { id: string }).id),
  )
  const judged = new Map([...all].filter(([question]) => asked.has(question)))
  for (const [arm, figures] of Object.entries(arms)) {
    const theirs = score(judged, readRun(join(runs, `${name.replace('/', '.')}.${arm}.run`)))
    const pairs = [
      ['queries', 'questions'],
      ['ndcg10', 'ndcg10'],
      ['r5', 'recall5'],
      ['r10', 'recall10'],
      ['mrr10', 'mrr10'],
      ['empty', 'empty'],
    ] as const
    for (const [their, our] of pairs)
      t.ok(
        Math.abs(theirs[their] - (figures[our] ?? NaN)) < 1e-9,
        `${name} ${arm}: ${our} ${figures[our]}, theirs ${theirs[their]}`,
      )
  }
}
