import fc from 'fast-check'
import t from 'tap'
import { analyze, queryTerms } from '../../../src/text/analyze.ts'
import { spellings } from '../../../src/text/spellings.ts'
import { stem } from '../../../src/text/stem.ts'

const word = fc.string({ unit: fc.constantFrom(...'abcdeilnorst'), minLength: 4, maxLength: 12 })

t.test('a letter too many or two letters swapped: the meant term is among the spellings', async t => {
  fc.assert(
    fc.property(word, fc.nat(), fc.boolean(), (meant, at, isSwap) => {
      const i = at % (meant.length - 1)
      const letters = [...meant]
      const typed = isSwap
        ? letters
            .with(i, letters[i + 1]!)
            .with(i + 1, letters[i]!)
            .join('')
        : letters.toSpliced(i, 0, 'z').join('')
      const terms = [stem(typed, 'en'), ...spellings(typed, stem(typed, 'en'), 'en')]
      return terms.includes(stem(meant, 'en'))
    }),
  )
  t.pass()
})

t.test('spellings: do not repeat, and leave out the term itself', async t => {
  fc.assert(
    fc.property(word, typed => {
      const terms = spellings(typed, stem(typed, 'en'), 'en')
      return (
        new Set(terms).size === terms.length &&
        !terms.includes(stem(typed, 'en')) &&
        !terms.includes('') &&
        terms.length < 2 * typed.length
      )
    }),
  )
  t.pass()
})

t.test('a slip in the ending: still leads to the stem', async t => {
  const [term] = queryTerms(analyze('efficienlty', 'en'))
  t.match(term, { term: 'efficienlti', isCorrectable: true })
  t.ok(term?.spellings.includes('effici'))
})

t.test('names with digits, pairs, short words and function words: are not corrected', async t => {
  const correctable = (text: string, language: string) =>
    queryTerms(analyze(text, language))
      .filter(term => term.isCorrectable)
      .map(term => term.term)
  t.same(correctable('what is utf8 in go and rust', 'en'), ['rust'])
  t.same(correctable('hoc bong', 'vi'), ['~hoc', '~bong'])
  t.same(
    queryTerms(analyze('hoc bong', 'vi')).flatMap(term => term.spellings),
    [],
  )
})

t.test('a key of a thousand letters: has no spellings', async t => {
  t.same(spellings('x'.repeat(1000), 'x', 'en'), [])
})
