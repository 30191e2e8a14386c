import fc from 'fast-check'
import t from 'tap'
import {
  createCitationMarkers,
  withoutMarkers,
  withPlainMarkers,
} from '../../../../src/ask/generation/citation-markers.ts'
import { answerText } from '../../../../src/commands/ask-words.ts'

/** The text as shown, pushed in pieces. */
function shown(pieces: readonly string[], passages = 5) {
  const markers = createCitationMarkers(passages)
  const text = pieces.map(piece => markers.push(piece)).join('') + markers.end()
  return { text, abstained: markers.abstained, cited: [...markers.cited].sort() }
}

const whole = (text: string, passages?: number) => shown([text], passages)

t.test('every spelling of a citation becomes [n]', t => {
  const spellings = {
    'A [1].': 'A [1].',
    'A [1, 2].': 'A [1][2].',
    'A [1,2;3].': 'A [1][2][3].',
    'A [1-3].': 'A [1][2][3].',
    'A [2–3]': 'A [2][3]',
    'A 【1】.': 'A [1].',
    'A 【1†source】.': 'A [1].',
    'A [^1].': 'A [1].',
    'A [passage 1].': 'A [1].',
    'A [Passages 1, 2]': 'A [1][2]',
    'A [source #3]': 'A [3]',
    'A [ 4 ]': 'A [4]',
    'A[1][2].': 'A[1][2].',
    '巴黎是首都[1]。': '巴黎是首都[1]。',
    'A [1], [2]': 'A [1], [2]',
  }
  for (const [text, expected] of Object.entries(spellings)) t.equal(whole(text).text, expected)
  t.strictSame(whole('A [1-3] and 【5】').cited, [1, 2, 3, 5])
  t.end()
})

t.test('a marker of no passage goes, with the blank before it', t => {
  t.equal(whole('A [9]. B [1, 7].', 3).text, 'A. B [1].')
  t.equal(whole('A [0] B', 3).text, 'A B')
  t.equal(whole('A [1][8] B', 3).text, 'A [1] B')
  t.equal(whole('A [1].', 0).text, 'A.')
  t.strictSame(whole('A [9]', 3).cited, [])
  t.end()
})

t.test('other brackets are left alone', t => {
  const texts = [
    'see [the docs](https://x.y/z)',
    'see [1](https://x.y)',
    'take items[7] here',
    'in [2019] it was',
    '[x] done',
    '[ ] open',
    'a [sic] b',
    '[passage of time]',
    'use `arr[9]` and `m[1, 2]`',
    'code:\n```js\nconst a = b[9]\nNO_ANSWER\n```',
    'array [] is empty',
    '[1999-2003]',
    'NOW',
    'NO_ANSWERS are',
    'CANNO_ANSWER',
  ]
  for (const text of texts) t.equal(whole(`A ${text}`).text, `A ${text}`)
  t.strictSame(whole('use `arr[1]`').cited, [])
  t.strictSame(whole('```\na[1]\n```\nso [2]').cited, [2])
  t.strictSame(whole('a stray ` tick\nand then [2]').cited, [2])
  t.strictSame(whole('``a ` [1]`` [2]').cited, [2])
  t.end()
})

t.test('words go through at once', t => {
  const markers = createCitationMarkers(3)
  t.equal(markers.push('Hello'), 'Hello')
  t.equal(markers.push(' world'), ' world')
  t.equal(markers.push(' ['), '')
  t.equal(markers.push('1'), '')
  t.equal(markers.push('].'), ' [1].')
  t.equal(markers.push(' see [not a marker'), ' see [not a marker')
  t.equal(markers.push(' [ref'), '')
  t.equal(markers.push('erence'), ' [reference')
  t.equal(markers.end(), '')
  t.end()
})

t.test('NO_ANSWER at the start: nothing is shown', t => {
  for (const text of [
    'NO_ANSWER',
    'NO_ANSWER.',
    ' \nNO_ANSWER\n',
    '**NO_ANSWER**',
    '`NO_ANSWER`',
    '"NO_ANSWER"',
    '[NO_ANSWER]',
    'NO ANSWER',
    'NO_ANSWER The passages speak of [1].',
  ]) {
    t.match(whole(text), { text: '', abstained: true }, text)
  }
  for (const text of ['NO', 'NO_', 'NOT at all [1]', 'No answer is given [1].', 'NO_ANSWERS'])
    t.match(whole(text), { text, abstained: false })
  t.end()
})

t.test('NO_ANSWER elsewhere is taken out; it counts where nothing was cited', t => {
  t.match(whole('It is red [1]. NO_ANSWER'), { text: 'It is red [1].', abstained: false })
  t.match(whole('I do not know. NO_ANSWER'), { text: 'I do not know.', abstained: true })
  t.match(whole('Sorry: NO_ANSWER. Bye'), { text: 'Sorry:. Bye', abstained: true })
  t.end()
})

t.test('a reply that was cut within a marker shows no half of it', t => {
  for (const text of ['A [', 'A [1', 'A [1,', 'A [pass']) t.equal(whole(text).text, 'A')
  t.equal(whole('A [text').text, 'A [text')
  t.equal(whole('A ').text, 'A ')
  t.end()
})

t.test('how the text is cut makes no difference', t => {
  const atoms = fc.constantFrom(
    '[',
    ']',
    '【',
    '】',
    '(',
    '1',
    '2',
    '9',
    '12',
    ',',
    ', ',
    '-',
    '^',
    'passage ',
    '†source',
    ' ',
    '\n',
    '`',
    '```',
    'NO_ANSWER',
    'NO',
    '_ANS',
    'WER',
    'a',
    'é',
    '.',
    '[1]',
    ' [2]',
    '😀',
  )
  fc.assert(
    fc.property(fc.array(atoms, { maxLength: 40 }), fc.array(fc.nat(60)), (parts, cuts) => {
      const text = parts.join('')
      const at = [0, ...cuts.filter(cut => cut < text.length).sort((a, b) => a - b), text.length]
      const pieces = at.slice(1).map((end, i) => text.slice(at[i], end))
      const expected = whole(text)
      t.strictSame(shown(pieces), expected)
      t.strictSame(shown([...text]), expected)
    }),
    { numRuns: 2000 },
  )
  t.end()
})

t.test('never more than a marker and a blank is held back', t => {
  const atoms = fc.constantFrom('[', '1', ' ', 'passage', '9', ',', 'x', '`', 'N', ']')
  fc.assert(
    fc.property(fc.array(atoms, { maxLength: 30 }), parts => {
      const markers = createCitationMarkers(99)
      let passed = markers.push('x')
      for (const [i, part] of parts.entries()) {
        passed += markers.push(part)
        const complete = whole(`x${parts.slice(0, i + 1).join('')}`, 99).text
        t.ok(complete.length - passed.length <= 17)
      }
    }),
  )
  t.end()
})

t.test("a document's own [2] is escaped in a quotation, and as it was in plain text", async t => {
  const quote = 'As shown [2][3, 4], see `a[1]` and [5](https://example.org) and \\[x\\].'
  const written = withoutMarkers(quote)
  t.equal(written, 'As shown \\[2\\]\\[3, 4\\], see `a[1]` and [5](https://example.org) and \\[x\\].')
  t.equal(withPlainMarkers(`${written} [1]`), `${quote} [1]`)
  t.equal(answerText({ answer: `${written} [1]`, citations: [] } as never), `${quote} [1]`, 'on a terminal')
})
