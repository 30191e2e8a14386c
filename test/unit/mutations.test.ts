import { existsSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import t from 'tap'
import { mutated } from '../mutations/checkout.ts'
import { mutations } from '../mutations/list.ts'
import { endOf } from '../mutations/one-test.ts'

/** The list of `npm run test:mutations` fits the code, so that a renamed line does not leave a fault untried. */

t.test('there are fifty faults and more, each with a name of its own, fifteen or more for service tests', async t => {
  t.ok(mutations.length >= 50)
  t.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length)
  t.equal(new Set(mutations.map(({ file, find, replace }) => `${file}\n${find}\n${replace}`)).size, mutations.length)
  t.ok(mutations.filter(({ tests }) => tests.every(test => test.startsWith('test/service/'))).length >= 15)
})

for (const { name, file, find, replace, tests } of mutations) {
  t.test(`${name}: its text occurs once, and its tests exist`, async t => {
    const text = mutated(readFileSync(file, 'utf8'), { find, replace })
    t.match(file, /^src\//)
    t.type(text, 'string', `${file} has the text exactly once`)
    t.not(find, replace)
    t.doesNotThrow(() => stripTypeScriptTypes(text ?? ''), 'what it becomes is a program')
    for (const test of tests) {
      t.match(test, /^test\/(unit|service|slow)\/.*\.test\.ts$/)
      t.ok(existsSync(test), test)
    }
  })
}

t.test('a text that is missing or occurs twice is not changed', async t => {
  t.equal(mutated('a b a', { find: 'b', replace: '$&' }), 'a $& a')
  t.equal(mutated('a b a', { find: 'a', replace: 'c' }), null)
  t.equal(mutated('a b a', { find: 'c', replace: 'd' }), null)
})

t.test('how a test file ended', async t => {
  const passed = '# Subtest: one\n    ok 1 - fine\n    1..1\nok 1 - one # time=1ms\n'
  const failed = '# Subtest: one\n    # Subtest: two\n        not ok 1 - should be equal\n'
  t.same(endOf(passed, 0), { result: 'passed', detail: '' })
  t.same(endOf(`${passed}ok 2 - two # SKIP no Redis\n`, 0), { result: 'passed', detail: 'no Redis' })
  t.same(endOf(failed, 1), { result: 'failed', detail: 'two' })
  t.same(endOf(passed, 'SIGKILL'), { result: 'failed', detail: 'it did not end' })
  t.match(endOf('', 1), { result: 'crashed' })
})
