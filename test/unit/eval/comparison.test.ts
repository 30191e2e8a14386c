import { join } from 'node:path'
import t from 'tap'
import type { Baseline } from '../../../src/eval/baseline.ts'
import { comparison, updateBaselines } from '../../../src/eval/comparison.ts'
import type { EvalSet } from '../../../src/eval/set.ts'

const figures = (ndcg10: number, model = 'm'): Baseline => ({
  model,
  variants: { one: { fused: { ndcg10 } }, 'two/typo': { fused: { ndcg10 } } },
})

/** Two sets in folders of their own; what they hold does not matter here. */
const setsIn = (folder: string): EvalSet[] =>
  ['one', 'two'].map(name => ({ name, folder: join(folder, name), documents: [], variants: [] }))

t.test('each set against its own baseline, where it has one', async t => {
  const sets = setsIn(t.testdir({ one: {}, two: {} }))
  t.same((await comparison(sets, undefined))(figures(0.1)), { falls: [], unfit: [] })
  await updateBaselines(sets.slice(1), undefined, figures(0.9))
  const { falls } = (await comparison(sets, undefined))(figures(0.1))
  t.match(falls, [{ variant: 'two/typo', from: 0.9, to: 0.1 }])
  t.equal(falls.length, 1)
})

t.test('one file for all sets', async t => {
  const folder = t.testdir({})
  const [sets, file] = [setsIn(folder), join(folder, 'all.json')]
  await updateBaselines(sets, file, figures(0.9))
  t.equal((await comparison(sets, file))(figures(0.8)).falls.length, 2)
})

t.test('measured with another embedding model: named, not compared', async t => {
  const sets = setsIn(t.testdir({ one: {}, two: {} }))
  await updateBaselines(sets, undefined, figures(0.9))
  const { falls, unfit } = (await comparison(sets, undefined))(figures(0.1, 'other'))
  t.same(falls, [])
  t.match(unfit, [/one\/baseline\.json was measured with the embedding model m, not other: not compared/, /two/])
})

t.test('a file that was asked for and is not there: refused before anything is measured', async t => {
  const folder = t.testdir({})
  await t.rejects(comparison(setsIn(folder), join(folder, 'none.json')), /none\.json: cannot be read/)
})
