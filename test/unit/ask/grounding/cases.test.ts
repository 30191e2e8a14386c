import t from 'tap'
import { measureGrounding, readCases } from '../../../../eval/grounding/measure.ts'

/** The bars of the check: true sentences stay, lies go. Both halves; `node eval/grounding/run.ts --show` lists the misses. */
t.test('at most 1 % of true sentences are taken away, and at most 10 % of lies are missed', async t => {
  const { cases, passages } = readCases()
  const { truth, lies, groups } = await measureGrounding(cases, passages)
  t.ok(truth.of >= 300 && lies.of >= 300, `${truth.of} true sentences, ${lies.of} lies`)
  t.ok(truth.wrong / truth.of <= 0.01, `${truth.wrong} of ${truth.of} true sentences taken away`)
  t.ok(lies.wrong / lies.of <= 0.1, `${lies.wrong} of ${lies.of} lies missed`)
  for (const kind of ['number', 'name', 'not', 'clause', 'elsewhere']) {
    const some = groups.filter(group => group.kind === kind)
    const [missed, of] = [some.reduce((sum, each) => sum + each.wrong, 0), some.reduce((sum, each) => sum + each.of, 0)]
    t.ok(missed / of <= 0.2, `${kind}: ${missed} of ${of} missed`)
  }
  t.same(new Set(groups.map(({ language }) => language)), new Set(['en', 'ru', 'kk', 'vi', 'it']))
})
