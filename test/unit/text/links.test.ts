import t from 'tap'
import { extractFrom } from '../../../src/ask/generation/extractive.ts'
import { analyze, queryTerms } from '../../../src/text/analyze.ts'
import { countTokens } from '../../../src/text/count-tokens.ts'
import { detectLanguage } from '../../../src/text/language.ts'
import { withoutLinkTargets } from '../../../src/text/links.ts'
import { sentences } from '../../../src/text/sentences.ts'

const address = 'https://forms.example.org/Grants/2026.Q1?A=1!b&for=students'

t.test('an address does not end a sentence', async t => {
  const text = `Fill in [the form](${address}) by May. Ask [the desk](mailto:desk@x.org). Or see ${address}. Then wait.`
  t.strictSame(
    sentences(text, 'en').map(({ start, end }) => text.slice(start, end)),
    [
      `Fill in [the form](${address}) by May.`,
      'Ask [the desk](mailto:desk@x.org).',
      `Or see ${address}.`,
      'Then wait.',
    ],
  )
})

t.test('the words of a web address are no search terms; those of a mail address are', async t => {
  const { terms } = analyze(`Fill in [the form](${address}) or [write](mailto:desk@x.org).`, 'en')
  t.notOk(
    terms.some(term => ['grant', '2026', 'student', 'http'].includes(term)),
    terms.join(' '),
  )
  t.ok(['form', 'write', 'desk'].every(term => terms.includes(term)))
  for (const kept of ['array[i](a, b)', '[1](see below)', 'f(x)', '[a](b)', 'call [me](tel:+4930)'])
    t.equal(withoutLinkTargets(kept), kept)
  t.equal(withoutLinkTargets('[list](files/list.pdf) x'), '[list]  x')
})

t.test('an address does not change the language of a text', async t => {
  const path = 'https://www.example.com/how/to/apply/for/the/grant/of/the/university/and/where/it/is'
  t.equal(detectLanguage(`Заполните [анкету](${path}) до мая.`), 'ru')
  t.equal(detectLanguage(`Điền vào ${path} đơn này trước tháng Năm.`), 'vi')
  t.equal(detectLanguage('https://example.org/the/page'), 'en', 'nothing else says which')
})

t.test('a raised number is a word of its own, not part of the number before it', async t => {
  t.strictSame(analyze('11⁵⁰ euros, Article 74¹, 2³', 'en').terms, ['11^50', 'euro', 'articl', '74^1', '2^3'])
  t.strictSame(analyze('H₂O km²', 'en').terms, analyze('H2O km2', 'en').terms)
})

t.test('endless addresses are counted and searched in time', async t => {
  const long = `[a](https://x.org/${'a/'.repeat(100_000)})`
  t.ok(countTokens(long) > 1000)
  t.strictSame(analyze(long, 'en').terms, ['a'])
  t.ok(withoutLinkTargets('](a/'.repeat(50_000)).length > 0)
})

t.test('the quote of an answer shows the link', async t => {
  const text = `Grants are paid monthly. Fill in [the application form](${address}) to apply for a grant. The office is closed on Friday.`
  const asked = queryTerms(analyze('Where is the application form for a grant?', 'en'))
  const passage = {
    documentId: 'd',
    chunkId: 'c',
    version: 1,
    title: 'Grants',
    url: null,
    page: null,
    text,
    start: 0,
    language: 'en',
    windows: [],
    scores: { fused: 1 },
  }
  const request = { asked: { own: asked, terms: asked }, passages: [passage] } as unknown as Parameters<
    typeof extractFrom
  >[0]
  const { text: answer, citations } = await extractFrom(request)
  t.match(answer, `[the application form](${address})`)
  t.equal(citations[0]!.quote, text.slice(citations[0]!.start, citations[0]!.end), 'letter for letter')
})

t.test('a link that never ends takes linear time', async t => {
  const text = `[a](b${'.'.repeat(2_000_000)}`
  t.equal(withoutLinkTargets(text), text)
})
