import t from 'tap'
import { arrayText, arrayTypes, elementsOf } from '../../../../src/adapters/postgres/arrays.ts'

t.test('what is written is read again', async t => {
  for (const each of [
    [],
    ['a', 'b'],
    ['with "quotes"', 'back\\slash', 'comma, brace {}', '', 'NULL', 'ў қ 😀', 'line\nbreak'],
  ]) {
    t.same(elementsOf(String(arrayText(each))), each)
  }
})

t.test('what Postgres writes without quotes is read', async t => {
  const { numbers, booleans, texts } = arrayTypes
  t.same(numbers?.parse('{1,-2.5,NULL}'), [1, -2.5, null])
  t.same(booleans?.parse('{t,f}'), [true, false])
  t.same(texts?.parse('{en,"per cent",ru}'), ['en', 'per cent', 'ru'])
})

t.test('text stays as it is, what is not there becomes null', async t => {
  t.equal(arrayText('{1,2}'), '{1,2}')
  t.equal(arrayText([undefined, null, 'null']), '{null,null,"null"}')
})
