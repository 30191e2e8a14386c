import t from 'tap'
import { draftsOfTheSet, measureNumbers } from '../../../../eval/grounding/number-bar.ts'
import { passage } from '../../../support/passages.ts'

/** Every number of a reply stands in a shown passage, or is worked out before the reader; read with nothing of the check. */
t.test('no reply to a draft of the set has a number of its own', async t => {
  const drafts = draftsOfTheSet()
  const { replies, violations } = await measureNumbers(drafts)
  t.ok(replies > 600, `${replies} replies`)
  t.same(violations, [])
  const unchecked = await measureNumbers(drafts, async ({ draft }) => draft)
  t.ok(unchecked.violations.length > 100, `${unchecked.violations.length} where nothing is checked`)
})

t.test('what the plain reading takes for held', async t => {
  const passages = [passage('The fee is 1,500 tenge. It opens at 2 p.m. and closes after four weeks.')]
  const standing = async (draft: string) => {
    const { counts } = await measureNumbers([{ language: 'en', draft, passages }], async each => each.draft)
    return [...counts.keys()]
  }
  t.same(await standing('The fee is 1 500 tenge [3].'), ['as written'])
  t.same(await standing('It opens at 14:00 and closes after 28 days.'), ['in words or another unit'])
  t.same(await standing('Two fees are 1,500 + 1,500 = 3,000 tenge.'), ['as written', 'worked out'])
  t.same(await standing('Two fees are 1,500 + 1,500 = 3,100 tenge.'), ['as written', 'nowhere'])
  t.same(await standing('The fee is 1,600 tenge.'), ['nowhere'])
})
