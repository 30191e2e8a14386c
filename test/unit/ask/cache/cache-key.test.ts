import fc from 'fast-check'
import t from 'tap'
import { keyPrefixOfCollection, normalised, cacheKeyOf } from '../../../../src/ask/cache/cache-key.ts'
import type { AskedCollection } from '../../../../src/ask/terms/collection.ts'
import type { Filter, Filters, Question, Scalar } from '../../../../src/ask/terms/question.ts'
import { calibrationOf } from '../../../support/calibration.ts'
import { anyText } from '../../../support/any-text.ts'

/** Whatever changes an answer changes where it is kept; what is only another spelling does not. */

const collection: AskedCollection = {
  id: 7,
  name: 'default',
  epoch: 3,
  epochMark: 'a',
  modelId: 1,
  chunkCount: 10,
  windowsPerChunk: 1,
  efSearch: null,
  languages: ['en'],
  vectorWeights: {},
  calibration: null,
  caching: {},
}

const scalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.integer({ min: -3, max: 3 }),
  fc.boolean(),
  fc.constantFrom('1', 'true', ''),
)
const bound = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom('2024-01-01', '1'))
const filter: fc.Arbitrary<Filter> = fc.oneof(
  scalar,
  fc.record({ in: fc.array(scalar, { maxLength: 4 }) }),
  fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] }),
)
const filters: fc.Arbitrary<Filters> = fc.dictionary(fc.constantFrom('year', 'faculty', 'tags', 'in', '__x'), filter, {
  maxKeys: 3,
})
const turn = fc.record({
  role: fc.constantFrom('user' as const, 'assistant' as const),
  content: fc.string({ maxLength: 6 }),
})
const question: fc.Arbitrary<Question> = fc.record(
  {
    tenant: fc.oneof(fc.string({ maxLength: 3 }), fc.constant('null')),
    text: fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })),
    collection: fc.constant('default'),
    mode: fc.constantFrom('fast' as const, 'smart' as const, 'auto' as const),
    topK: fc.integer({ min: 1, max: 20 }),
    filters,
    language: fc.constantFrom(undefined, 'en', 'ru', 'und'),
    history: fc.array(turn, { maxLength: 2 }),
  },
  { requiredKeys: ['text', 'collection', 'mode', 'topK', 'filters', 'language', 'history'] },
) as fc.Arbitrary<Question>

const keyOf = (asked: Question, within: Partial<AskedCollection> = {}, fingerprint = 'settings') =>
  cacheKeyOf(asked, { ...collection, ...within }, fingerprint).key

t.test('the same question has the same place, at every time', async () => {
  fc.assert(
    fc.property(
      question,
      asked =>
        JSON.stringify(cacheKeyOf(asked, collection, 's')) ===
        JSON.stringify(cacheKeyOf(structuredClone(asked), { ...collection }, 's')),
    ),
  )
})

t.test('answers change with the calibration', async t => {
  const asked: Question = {
    text: 'q',
    collection: 'c',
    mode: 'auto',
    topK: 5,
    filters: {},
    language: 'en',
    history: [],
  }
  const [none, first, second] = [null, calibrationOf({ version: 'a' }), calibrationOf({ version: 'b' })].map(
    calibration => cacheKeyOf(asked, { ...collection, calibration }, 's'),
  )
  t.equal(new Set([none, first, second].map(each => each?.key)).size, 3)
  t.not(first?.scope, second?.scope, 'of equivalent questions, too')
  t.same(cacheKeyOf(asked, { ...collection, calibration: calibrationOf({ version: 'a' }) }, 's'), first)
})

/** As the words of the product have it: two filters are equal when they let the same documents through by their form. */
function meaning(given: Filters): string {
  const one = (value: Filter) => {
    if (typeof value !== 'object') return value
    return 'in' in value
      ? { in: [...new Set(value.in.map(each => JSON.stringify(each)))].sort() }
      : Object.fromEntries(Object.entries(value).sort())
  }
  return JSON.stringify(
    Object.entries(given)
      .map(([field, value]) => [field, one(value)])
      .sort(),
  )
}

const differs = (name: keyof Question, other: fc.Arbitrary<Question>, isEqual: (a: Question, b: Question) => boolean) =>
  t.test(`another ${name}, another key`, async () => {
    fc.assert(
      fc.property(question, other, (asked, another) => {
        const changed = { ...asked, [name]: another[name] }
        if (another[name] === undefined) delete (changed as Record<string, unknown>)[name]
        return (keyOf(asked) === keyOf(changed)) === isEqual(asked, changed as Question)
      }),
      { numRuns: 2000 },
    )
  })
const sameJson = (name: keyof Question) => (a: Question, b: Question) =>
  JSON.stringify(a[name]) === JSON.stringify(b[name])
for (const name of ['tenant', 'mode', 'topK', 'language', 'history'] as const) differs(name, question, sameJson(name))
differs('filters', question, (a, b) => meaning(a.filters) === meaning(b.filters))
differs('text', question, (a, b) => normalised(a.text) === normalised(b.text))

t.test('another collection, epoch, mark or fingerprint, another key and another partition', async () => {
  fc.assert(
    fc.property(
      question,
      fc.record({ id: fc.nat(9), epoch: fc.nat(9), epochMark: fc.constantFrom('a', 'b') }),
      fc.constantFrom('settings', 'others'),
      (asked, { id, epoch, epochMark }, fingerprint) => {
        const changed = cacheKeyOf(asked, { ...collection, id, epoch, epochMark }, fingerprint)
        const base = cacheKeyOf(asked, collection, 'settings')
        const isSame =
          id === collection.id &&
          epoch === collection.epoch &&
          epochMark === collection.epochMark &&
          fingerprint === 'settings'
        return (changed.key === base.key) === isSame && (changed.scope === base.scope) === isSame
      },
    ),
    { numRuns: 2000 },
  )
})

t.test('thresholds of the collection: another key, so no answer is served that they would refuse', async t => {
  const [asked] = fc.sample(question, 1)
  const tuned = { hopeless: 0.1, doubtful: 0.4, lose: 0.05, questions: 40, isJudged: true }
  const keys = [undefined, tuned, { ...tuned, doubtful: 0.5 }, { ...tuned, hopeless: 0.2 }].map(abstention =>
    keyOf(asked!, abstention && { abstention }),
  )
  t.equal(new Set(keys).size, keys.length)
  t.equal(keyOf(asked!, { abstention: { ...tuned, lose: 0.1 } as typeof tuned }), keys[1], 'the same thresholds')
})

t.test('the same epoch of another history: another key, also where the one before is remembered', async () => {
  fc.assert(fc.property(question, asked => keyOf(asked) !== keyOf(asked, { epochMark: 'b' })))
})

t.test('the keys of a collection begin as none of another do', async () => {
  fc.assert(
    fc.property(
      question,
      fc.nat(999),
      fc.nat(999),
      (asked, id, other) => keyOf(asked, { id }).startsWith(keyPrefixOfCollection(other)) === (id === other),
    ),
  )
})

t.test('a collection that grew, or has other weights, at the same epoch: the same key', async () => {
  fc.assert(
    fc.property(
      question,
      asked =>
        keyOf(asked) ===
        keyOf(asked, {
          chunkCount: 11,
          efSearch: 40,
          caching: { seconds: 5 },
          unchecked: { error: new Error('away'), sinceMs: 1 },
        }),
    ),
  )
})

t.test('nothing slides from one field into another', async t => {
  const base: Question = {
    text: 'why',
    collection: 'default',
    mode: 'fast',
    topK: 5,
    filters: {},
    language: 'en',
    history: [],
  }
  const others: Question[] = [
    base,
    { ...base, text: 'why\n[]' },
    { ...base, text: 'why', history: [{ role: 'user', content: '' }] },
    { ...base, text: 'why [{"role":"user","content":""}]' },
    { ...base, tenant: '' },
    { ...base, tenant: 'null' },
    { ...base, language: undefined },
    { ...base, language: 'null' },
    { ...base, filters: { in: 'x' } },
    { ...base, filters: { in: { in: ['x'] } } },
    { ...base, filters: { year: 1 } },
    { ...base, filters: { year: '1' } },
    { ...base, filters: { year: { in: [1] } } },
    { ...base, filters: { year: { in: ['1'] } } },
    { ...base, filters: { year: { gte: 1 } } },
    { ...base, filters: { year: { gt: 1 } } },
    { ...base, filters: { year: { gte: 1, lt: 2 } } },
    { ...base, filters: { year: { in: [] } } },
    { ...base, filters: { year: true } },
    { ...base, filters: { year: 'true' } },
  ]
  t.equal(new Set(others.map(asked => keyOf(asked))).size, others.length)
})

t.test(
  'the order of fields, of bounds, and of the values of a list, makes no difference, nor a value said twice',
  async () => {
    const shuffled = <T>(list: readonly T[]) => fc.shuffledSubarray([...list], { minLength: list.length })
    const pair = question.chain(asked => fc.tuple(fc.constant(asked), shuffled(Object.entries(asked.filters))))
    fc.assert(
      fc.property(pair, fc.func(fc.nat()), ([asked, entries], weight) => {
        const mixed = <T>(list: readonly T[]) => [...list].sort((a, b) => weight(a) - weight(b))
        const other = entries.map(([field, value]): [string, Filter] => {
          if (typeof value !== 'object') return [field, value]
          if ('in' in value) return [field, { in: [...mixed(value.in), ...value.in.slice(0, 1)] }]
          return [field, Object.fromEntries(mixed(Object.entries(value)))]
        })
        return keyOf(asked) === keyOf({ ...asked, filters: Object.fromEntries(other) })
      }),
      { numRuns: 1000 },
    )
  },
)

t.test('the key begins with the collection, and holds nothing of the question', async () => {
  fc.assert(fc.property(question, asked => /^7:[\w-]{43}$/.test(keyOf(asked))))
})

/** A word with letters that have case and accents in four scripts. */
const word = fc.string({
  unit: fc.constantFrom('a', 'B', 'é', 'Å', 'Ж', 'ё', 'й', 'ệ', 'ω', 'ñ', '5', '語', 'が', '-', '+'),
  minLength: 1,
  maxLength: 6,
})
const words = fc
  .tuple(fc.array(word, { maxLength: 5 }), fc.constantFrom('cost', 'Ж', 'é', '語', 'ệ', '5'))
  .map(([parts, last]) => [...parts, last])

t.test('Unicode form, case, blanks and the marks at the end make no difference', async () => {
  const spelling = fc.record({
    form: fc.constantFrom('NFC', 'NFD', 'NFKC', 'NFKD'),
    blank: fc.constantFrom(' ', '  ', '\n', '\t', '\u00a0', '\u3000', ' \r\n '),
    marks: fc.constantFrom('', '?', '??', ' ?', '!', '?!', '.', '...', '…', '？', '。', ' ؟', '; '),
    isUpper: fc.boolean(),
  })
  fc.assert(
    fc.property(words, spelling, (parts, { form, blank, marks, isUpper }) => {
      const plain = parts.join(' ')
      const spelled =
        `${blank}${isUpper ? plain.toUpperCase() : plain.toLowerCase()}`.replaceAll(' ', blank).normalize(form) + marks
      return normalised(spelled) === normalised(plain)
    }),
    { numRuns: 2000 },
  )
})

t.test('a mark that is asked about is no mark at the end', async t => {
  const texts = [
    'what does !',
    'what does .',
    'what does ;',
    'what does',
    'what is a+!',
    'what is a+',
    'what is a..',
    'what is a',
  ]
  t.same(
    texts.map(text => normalised(`${text}?`)),
    ['what does !', 'what does .', 'what does ;', 'what does', 'what is a+!', 'what is a+', 'what is a', 'what is a'],
  )
})

t.test('other words are other questions: letters, digits, marks inside, accents', async t => {
  const texts = [
    'map',
    'maps',
    'map 2',
    'map2',
    'c',
    'c++',
    'c#',
    'a.b',
    'ab',
    'a b',
    "can't",
    'cant',
    'résumé',
    'resume',
    'й',
    'и',
    'ё',
    'е',
    '?a',
    'a?b',
    '¿que',
    'que',
    '1',
    '-1',
    '№5',
    '5',
  ]
  t.equal(new Set(texts.map(normalised)).size, texts.length)
})

t.test('a spelling of a spelling is that spelling', async () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    anyText(),
    words.map(parts => parts.join(' ')),
  )
  fc.assert(
    fc.property(text, text => normalised(normalised(text)) === normalised(text)),
    { numRuns: 2000 },
  )
})
