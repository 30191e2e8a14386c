import { countTokens as countWith } from 'gpt-tokenizer/encoding/o200k_base'
import fc from 'fast-check'
import t from 'tap'
import { countTokens } from '../../../src/text/count-tokens.ts'
import { anyText } from '../../support/any-text.ts'

t.test('ordinary text: exactly as the tokenizer', async t => {
  for (const text of ['', 'Hello, world!', 'Как подать на стипендию?', 'a\n\n\nb  c', 'const a = [1, 2]']) {
    t.equal(countTokens(text), countWith(text), text)
  }
})

t.test('a special token in a document is text', async t => {
  t.ok(countTokens('a <|endoftext|> b') > 4)
})

t.test('long runs are counted in slices: a little high, never low, and soon', async t => {
  for (const run of ['a', ' ', '\n', '!', '中', '👍', 'ab1!']) {
    const text = run.repeat(1000)
    const exact = countWith(text)
    const counted = countTokens(text)
    t.ok(counted >= exact * 0.98 && counted <= exact * 1.2 + 10, `${JSON.stringify(run)}: ${counted} for ${exact}`)
  }
  t.ok(countTokens('a'.repeat(2_000_000)) > 1000, 'would take hours at once')
})

t.test('any text: a number, no throw', async () => {
  fc.assert(fc.property(anyText({ maxLength: 400 }), text => Number.isInteger(countTokens(text))))
})
