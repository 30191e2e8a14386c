import fc from 'fast-check'
import t from 'tap'
import { chunk } from '../../../src/ingest/chunk.ts'
import { documentFrom } from '../../../src/ingest/document-from.ts'
import { chunkUnits, unitText } from '../../../src/ingest/units.ts'
import type { WindowModel } from '../../../src/ingest/windows.ts'
import { anyText } from '../../support/any-text.ts'

const countTokens = (text: string): number => text.split(/\s+/).filter(word => word !== '').length
const model: WindowModel = { windowTokens: 40, maxTokens: 80, countTokens, readsCode: true }

type Given = Partial<WindowModel> & { title?: string; format?: 'text' | 'markdown' }

function unitsIn(text: string, { title = 'Handbook', format = 'markdown', ...change }: Given = {}) {
  const document = documentFrom({ source: 'a', format, title, text })
  return chunk(document, 'en').flatMap(each => {
    const cut = chunkUnits(document.text, each, 'en', { ...model, ...change })
    return cut.units.map(unit => unitText(document.text, cut, unit))
  })
}

t.test('each sentence is a unit, with the path of its headings', async t => {
  t.strictSame(unitsIn('# Fees\n\nThe rent is due in May. Late payers are fined.\n\n## Refunds\n\nNone are given.'), [
    'Handbook › Fees. The rent is due in May.',
    'Handbook › Fees. Late payers are fined.',
    'Handbook › Fees › Refunds. None are given.',
  ])
})

t.test('a question belongs to the answer under it, and is no unit', async t => {
  t.strictSame(unitsIn('## When is breakfast?\n\nAt 7:30.\n\n## Is it free?\n\nYes. Guests pay.'), [
    'Handbook › When is breakfast? At 7:30.',
    'Handbook › Is it free? Yes. Guests pay.',
  ])
})

t.test(
  'a line that is a question belongs to the paragraph below it, one that introduces a list to its items',
  async t => {
    const lines = 'When is breakfast?\nAt 7:30. Come early.\n\nWhat else?\nHow so?\n\nThat is all.'
    t.strictSame(unitsIn(lines, { format: 'text' }), [
      'Handbook › When is breakfast? At 7:30.',
      'Handbook › When is breakfast? Come early.',
      'Handbook. What else?',
      'Handbook › How so? That is all.',
    ])
    t.strictSame(unitsIn('What do I bring?\n\nPlease bring:\n\n- a passport\n- a photo\n\nWe copy both.'), [
      'Handbook › What do I bring? Please bring:',
      'Handbook › What do I bring? › Please bring. - a passport',
      'Handbook › What do I bring? › Please bring. - a photo',
      'Handbook. We copy both.',
    ])
  },
)

t.test('list items and rows, a row with the header of its table', async t => {
  t.strictSame(unitsIn('# Rooms\n\n- Single: 90 euros\n- Double: 60 euros'), [
    'Handbook › Rooms. - Single: 90 euros',
    'Handbook › Rooms. - Double: 60 euros',
  ])
  t.strictSame(
    unitsIn('# Versions\n\n| Version | Date |\n|---|---|\n| 2.0 | 2023-01-01 |\n| 3.0 | 2024-03-01 |').slice(1),
    [
      'Handbook › Versions › | Version | Date |. | 2.0 | 2023-01-01 |',
      'Handbook › Versions › | Version | Date |. | 3.0 | 2024-03-01 |',
    ],
  )
})

t.test('code, only where the model reads it', async t => {
  const text = 'Install it first.\n\n```sh\nnpm ci\nnpm test\n```\n\nThen start.'
  t.strictSame(unitsIn(text), ['Handbook. Install it first.', 'Handbook. npm ci npm test', 'Handbook. Then start.'])
  t.strictSame(unitsIn(text, { readsCode: false }), ['Handbook. Install it first.', 'Handbook. Then start.'])
})

t.test('a sentence that the model cannot take is divided, a path that it cannot take is shortened', async t => {
  const long = unitsIn(`It ${'goes on and '.repeat(60)}ends.`)
  t.ok(long.length > 1)
  t.ok(long.every(text => countTokens(text) <= 80))
  const wide = unitsIn(`Open ${'and read '.repeat(36)}now.`, { title: `${'Very '.repeat(30)}long › Books` })
  t.match(wide[0]!, /^Books\. Open and read/)
})

t.test('any text: units are in order, within the chunk, fit the model, and are never empty', async () => {
  const pieces = fc.constantFrom(
    '# A\n',
    '\n\n',
    '- x\n',
    '| a | b |\n',
    'Yes. ',
    '```\ncode\n```\n',
    'One two three. ',
  )
  const text = fc.array(fc.oneof(pieces, anyText({ maxLength: 12 })), { maxLength: 40 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(text, given => {
      const document = documentFrom({ source: 'a', format: 'markdown', title: 'T', text: given })
      return chunk(document, 'en').every(each => {
        const cut = chunkUnits(document.text, each, 'en', model)
        let last = each.start
        return cut.units.every(unit => {
          const isPlaced = unit.start >= last && unit.end > unit.start && unit.end <= each.end
          last = unit.end
          const text = unitText(document.text, cut, unit)
          return isPlaced && text.trim() !== '' && countTokens(text) <= model.maxTokens
        })
      })
    }),
  )
})
