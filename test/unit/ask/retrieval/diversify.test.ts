import fc from 'fast-check'
import t from 'tap'
import { diversify } from '../../../../src/ask/retrieval/diversify.ts'
import { comparable, areNearDuplicates } from '../../../../src/ask/retrieval/near-duplicates.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import { passage, windowOf } from '../../../support/passages.ts'

const prose = (count: number, first = 0) =>
  Array.from(
    { length: count },
    (_, i) => `word${String.fromCharCode(97 + ((first + i) % 26))}${'x'.repeat((first + i) % 7)}`,
  ).join(' ')
const rules =
  'Guests must leave the dormitory before ten in the evening. The warden keeps the list of free rooms and gives out the keys. A lost key is paid for at the cashier. Quiet hours last from eleven until seven, and on Sundays until nine. Cooking is allowed only in the kitchens of each floor. Bicycles are kept in the cellar, never in the corridors, because of the fire rules of the city.'

/** A document cut at these offsets; each chunk begins `overlap` before the end of the one before it. */
function chunksOf(text: string, cuts: readonly number[], overlap: number, id: string): Passage[] {
  const bounds = [0, ...cuts, text.length]
  return bounds.slice(1).map((end, ordinal) => {
    const start = Math.max(0, bounds[ordinal]! - (ordinal === 0 ? 0 : overlap))
    return passage(text.slice(start, end), {
      before: text.slice(0, start),
      documentId: id,
      chunkId: `${id}.${ordinal}`,
    })
  })
}

const idsOf = (passages: readonly Passage[]) => passages.map(({ chunkId }) => chunkId)

t.test('the same text again, or but for a word here and there: the better ranked stays, the next fills up', t => {
  const copy = (chunkId: string, text: string) => passage(text, { chunkId, documentId: chunkId })
  const ranked = [
    copy('a', rules),
    copy('b', rules.replace('warden', 'porter')),
    copy('c', `${rules.toUpperCase()}!`),
    copy('d', prose(60)),
    copy('e', prose(60, 9)),
  ]
  t.strictSame(idsOf(diversify(ranked, 3)), ['a', 'd', 'e'])
  t.end()
})

t.test('units of joined passages are in order, and those of the overlap are there once', t => {
  const ends = [rules.indexOf('Quiet'), rules.indexOf('Bicycles')]
  const overlap = 'A lost key is paid for at the cashier. '.length
  const [first, second] = chunksOf(rules, ends, overlap, 'a') as [Passage, Passage]
  const unitsOf = (of: Passage, ...pieces: readonly string[]) => ({
    ...of,
    units: pieces.map(each => windowOf(of, each)),
  })
  const [guests, key, quiet] = ['Guests must', 'A lost key', 'Quiet hours']
  const [joined] = diversify([unitsOf(second, key, quiet), unitsOf(first, guests, key)], 2)
  const starts = [guests, key, quiet].map(each => rules.indexOf(each))
  t.strictSame(
    joined!.units!.map(({ start }) => start),
    starts,
  )
  t.strictSame(diversify([second, unitsOf(first, guests)], 2)[0]!.units!.length, 1)
  t.notOk('units' in diversify([first, second], 2)[0]!)
  t.end()
})

t.test('what differs in a number, or in a sentence, says something else', t => {
  const other = [
    rules.replace('ten in', '10 in'),
    rules.replace('ten in', '11 in'),
    `${rules} Pets are forbidden in every room of the house.`,
  ]
  t.equal(
    diversify(
      [rules, ...other].map((text, i) => passage(text, { documentId: `d${i}` })),
      9,
    ).length,
    4,
  )
  t.end()
})

t.test('resemblance: symmetric, and never of nothing in common', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      const [first, second] = [comparable(a), comparable(b)]
      t.equal(areNearDuplicates(first, second), areNearDuplicates(second, first))
      t.ok(areNearDuplicates(first, first))
    }),
  )
  t.notOk(areNearDuplicates(comparable('…'), comparable('!')))
  t.notOk(areNearDuplicates(comparable('библиотека работает до полуночи'), comparable('общежитие закрыто до полуночи')))
  t.ok(areNearDuplicates(comparable('学校的图书馆开放到午夜。'), comparable('学校的图书馆开放到午夜')))
  t.end()
})

t.test(
  "neighbours that overlap or touch become one: the stored text, the better one's place and scores, all windows",
  t => {
    for (const overlap of [0, 12]) {
      const [first, second, third] = chunksOf(rules, [120, 240], overlap, 'd') as [Passage, Passage, Passage]
      const better = { ...second, scores: { ...second.scores, fused: 0.9 }, windows: [windowOf(second, second.text)] }
      const other = passage(prose(30), { documentId: 'e', chunkId: 'e.0' })
      const [joined, ...rest] = diversify(
        [better, other, { ...first, windows: [windowOf(first, first.text)] }, third],
        3,
      )
      t.match(joined, { chunkId: 'd.1', start: 0, end: rules.length, text: rules, scores: { fused: 0.9 } })
      t.strictSame(
        joined?.windows.map(({ start }) => start),
        [first.start, second.start],
      )
      t.strictSame(idsOf(rest), ['e.0'])
    }
    t.end()
  },
)

t.test('neighbours with blanks between them become one where the blanks are known', t => {
  const text = `${rules}\n\n- ${prose(20)}\n  - ${prose(12, 5)}`
  const [first, second, third] = [rules, `- ${prose(20)}`, `- ${prose(12, 5)}`].map((part, i) =>
    passage(part, {
      before: text.slice(0, text.indexOf(part)),
      chunkId: `d.${i}`,
      ...(i > 0 && { blanksBefore: ['', '\n\n', '\n  '][i]! }),
    }),
  ) as [Passage, Passage, Passage]
  const [joined, ...rest] = diversify([third, second, first], 5)
  t.match(joined, { chunkId: 'd.2', text, start: 0, end: text.length })
  t.strictSame(rest, [])
  t.strictSame(idsOf(diversify([first, third], 5)), ['d.0', 'd.2'], 'not over a chunk that was not found')
  t.end()
})

t.test('a chunk between two others brings them together, at the place of the better', t => {
  const [first, second, third] = chunksOf(rules, [120, 240], 5, 'd') as [Passage, Passage, Passage]
  const [e, f] = ['e', 'f'].map((id, i) => passage(prose(30, i * 13), { documentId: id, chunkId: `${id}.0` })) as [
    Passage,
    Passage,
  ]
  const found = diversify(
    [e, third, first, second, f].map(each => ({ ...each, tokens: 7 })),
    4,
  )
  t.strictSame(idsOf(found), ['e.0', 'd.2', 'f.0'])
  t.equal(found[1]?.text, rules)
  t.strictSame(
    found.map(({ tokens }) => tokens),
    [7, undefined, 7],
    'what was counted of one is not said of all',
  )
  t.end()
})

t.test('not joined: with a gap between them, of two documents, versions, sections or pages, or more than three', t => {
  const [first, second] = chunksOf(rules, [200], 0, 'd') as [Passage, Passage]
  const later = { ...second, start: second.start + 1, end: second.end + 1 }
  for (const other of [
    later,
    { ...second, documentId: 'e' },
    { ...second, version: 2 },
    { ...second, title: 'Else' },
    { ...second, url: 'https://a/#b' },
    { ...second, page: 7 },
  ]) {
    t.strictSame(diversify([first, other], 5), [first, other])
  }
  const four = chunksOf(rules, [90, 180, 270], 4, 'd')
  t.strictSame(
    diversify(four, 5).map(({ start, end }) => [start, end]),
    [
      [0, 270],
      [266, rules.length],
    ],
  )
  t.end()
})

t.test('any documents in any order: order kept, text as stored, nothing said twice, filled up', t => {
  const documents = fc.array(
    fc.record({
      words: fc.array(fc.stringMatching(/^[a-f]{1,4}$/), { minLength: 10, maxLength: 80 }),
      cuts: fc.uniqueArray(fc.integer({ min: 5, max: 40 }), { maxLength: 5 }),
      overlap: fc.integer({ min: -1, max: 4 }),
    }),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(documents, fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 8 }), (given, order, topK) => {
      const texts = new Map(given.map(({ words }, i) => [`d${i}`, words.join(' ')]))
      const all = given
        .flatMap(({ cuts, overlap }, i) => {
          const text = texts.get(`d${i}`)!
          return chunksOf(
            text,
            cuts.toSorted((a, b) => a - b).filter(cut => cut < text.length - 5),
            overlap,
            `d${i}`,
          )
        })
        .filter(({ text }) => text.trim() !== '')
      const ranked = all
        .map(each => ({ each, key: order.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ each }) => each)
      const found = diversify(ranked, topK)
      const ranks = found.map(({ chunkId }) => ranked.findIndex(each => each.chunkId === chunkId))
      t.strictSame(
        ranks,
        ranks.toSorted((a, b) => a - b),
        'in the order of the ranking',
      )
      for (const { documentId, text, start, end } of found)
        t.equal(text, texts.get(documentId)!.slice(start, end), 'text as stored')
      const said = ranked
        .filter(({ chunkId }) => found.some(each => each.chunkId === chunkId))
        .map(({ text }) => comparable(text))
      t.notOk(
        said.some((a, i) => said.slice(i + 1).some(b => areNearDuplicates(a, b))),
        'nothing twice',
      )
      t.ok(found.length <= topK)
      if (found.length < topK) for (const each of ranked) t.ok(isIn(found, each, ranked), `${each.chunkId} is not lost`)
    }),
    { numRuns: 300 },
  )
  t.end()
})

/** Stands in what was found, or says the same as a better one. */
function isIn(found: readonly Passage[], each: Passage, ranked: readonly Passage[]): boolean {
  const better = ranked.slice(0, ranked.indexOf(each))
  return (
    found.some(
      ({ documentId, start, end }) => documentId === each.documentId && start <= each.start && each.end <= end,
    ) || better.some(other => areNearDuplicates(comparable(other.text), comparable(each.text)))
  )
}

t.test('joined passages know the sections of both, and the header of the first', t => {
  const text = `${prose(40)} ${prose(40, 7)}`
  const [first, second] = chunksOf(text, [prose(40).length], 0, 'a')
  const section = { start: 5, title: 'Title › Deposit', url: null, page: null }
  const [joined] = diversify(
    [
      { ...first!, sections: [section], tableHeader: '| a |' },
      { ...second!, tableHeader: '| b |' },
    ],
    5,
  )
  t.equal(joined!.end, text.length)
  t.strictSame(joined!.sections, [section, { start: second!.start, title: 'Title', url: null, page: null }])
  t.equal(joined!.tableHeader, '| a |')
  const [alone] = diversify([first!, { ...second!, tableHeader: '| b |' }], 5)
  t.equal(alone!.tableHeader, undefined)
  t.equal(alone!.sections, undefined)
  t.end()
})
