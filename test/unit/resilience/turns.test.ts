import tap from 'tap'
import { createTurns } from '../../../src/resilience/turns.ts'

const { signal } = new AbortController()
const settle = () => new Promise(setImmediate)

function tasks(atOnce: number) {
  const turns = createTurns(atOnce)
  const begun: string[] = []
  const begin = (key: string, name: string, own: AbortSignal = signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const result = turns.run(key, own, () => (begun.push(name), promise))
    result.catch(() => {})
    return { result, end: () => resolve(name), fail: () => reject(new Error(name)) }
  }
  return { begun, begin }
}

tap.test('one per key at a time, in order; other keys do not wait for it', async t => {
  const { begun, begin } = tasks(2)
  const [a1, a2, b] = [begin('a', 'a1'), begin('a', 'a2'), begin('b', 'b')]
  const c = begin('c', 'c')
  await settle()
  t.same(begun, ['a1', 'b'], 'two at once')
  b.end()
  t.equal(await b.result, 'b')
  await settle()
  t.same(begun, ['a1', 'b', 'c'])
  a1.fail()
  await t.rejects(a1.result, { message: 'a1' })
  await settle()
  t.same(begun, ['a1', 'b', 'c', 'a2'], 'a failure ends the turn too')
  a2.end()
  c.end()
  await Promise.all([a2.result, c.result])
})

tap.test('who leaves before its turn never begins', async t => {
  const { begun, begin } = tasks(1)
  const leaving = new AbortController()
  const first = begin('a', 'first')
  const second = begin('a', 'second', leaving.signal)
  const third = begin('b', 'third')
  leaving.abort(new Error('left'))
  await t.rejects(second.result, { message: 'left' })
  await t.rejects(begin('a', 'again', leaving.signal).result, { message: 'left' })
  first.end()
  await settle()
  t.same(begun, ['first', 'third'])
  third.end()
  await third.result
})
