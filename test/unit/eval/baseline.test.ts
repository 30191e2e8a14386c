import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fallsFrom, readBaseline, writeBaseline, type Baseline } from '../../../src/eval/baseline.ts'

const baseline = (ndcg10: number, variant = 'faq', model = 'm'): Baseline => ({
  model,
  variants: { [variant]: { fused: { ndcg10, recall5: 1 } } },
})

t.test('a fall of more than .005 counts, one of .005 and a rise do not', async t => {
  t.same(fallsFrom(baseline(0.9), baseline(0.8949)), [
    { variant: 'faq', row: 'fused', figure: 'ndcg10', from: 0.9, to: 0.8949 },
  ])
  t.same(fallsFrom(baseline(0.9), baseline(0.895)), [])
  t.same(fallsFrom(baseline(0.9), baseline(1)), [])
})

t.test('what is not measured any more has fallen; another set was not to be measured', async t => {
  t.match(fallsFrom(baseline(0.9, 'faq/typo'), baseline(0.9, 'faq')), [
    { variant: 'faq/typo', to: null },
    { figure: 'recall5', to: null },
  ])
  t.same(fallsFrom(baseline(0.9, 'other'), baseline(0.9, 'faq')), [])
})

t.test('written and read: six decimals, other sets stay, those of another model go', async t => {
  const path = join(t.testdir({}), 'baseline.json')
  await writeBaseline(path, baseline(1 / 3, 'one'))
  await writeBaseline(path, baseline(0.5, 'two'))
  t.same(await readBaseline(path), {
    model: 'm',
    variants: { one: { fused: { ndcg10: 0.333333, recall5: 1 } }, two: { fused: { ndcg10: 0.5, recall5: 1 } } },
  })
  t.same(fallsFrom(await readBaseline(path), baseline(1 / 3, 'one')), [])
  await writeBaseline(path, baseline(0.5, 'three', 'other'))
  t.same(Object.keys((await readBaseline(path)).variants), ['three'])
  t.ok(readFileSync(path, 'utf8').endsWith('}\n'))
})

t.test('no baseline: says so, and how to get one', async t => {
  const path = join(t.testdir({}), 'baseline.json')
  await t.rejects(readBaseline(path), /baseline\.json: cannot be read; write one with --update-baseline/)
  for (const text of ['', '{', 'null', '[]', '{"model":"m"}']) {
    writeFileSync(path, text)
    await t.rejects(readBaseline(path), /is not a baseline; write one with --update-baseline/, text)
  }
})
