import t from 'tap'
import { readDocx } from '../../../src/ingest/readers/word/docx.ts'
import { numeral } from '../../../src/ingest/readers/word/numerals.ts'
import { definition, item, level, list, paragraph, run, startAt, wordFile, type WordParts } from '../../support/word.ts'

const legal = level(0, 'decimal', '%1.') + level(1, 'decimal', '%1.%2') + level(2, 'lowerLetter', '%3)')

async function read(parts: WordParts): Promise<string[]> {
  const { blocks } = await readDocx(wordFile(parts))
  return blocks.flatMap(({ text }) => text.split('\n'))
}

t.test('a list resumes after a paragraph and after another list', async t => {
  const numbering = definition(0, legal) + list(1, 0) + list(2, 0, startAt(0, 1))
  const body = [item(1, 0, 'Knock'), item(1, 0, 'Wait'), paragraph(run('Then:')), item(1, 0, 'Enter')]
  t.strictSame(await read({ numbering, body: body.join('') }), ['1. Knock', '2. Wait', 'Then:', '3. Enter'])
  const other = [item(1, 0, 'a'), item(1, 0, 'b'), item(2, 0, 'x'), item(2, 0, 'y'), item(1, 0, 'c')]
  t.strictSame(await read({ numbering, body: other.join('') }), ['1. a', '2. b', '1. x', '2. y', '3. c'])
})

t.test('levels are indented, and begin again below the next number', async t => {
  const numbering = definition(0, legal) + list(1, 0)
  const body = [item(1, 0, 'a'), item(1, 1, 'b'), item(1, 2, 'c'), item(1, 2, 'd'), item(1, 0, 'e'), item(1, 1, 'f')]
  t.strictSame(await read({ numbering, body: body.join('') }), [
    '1. a',
    '  1.1 b',
    '    a) c',
    '    b) d',
    '2. e',
    '  2.1 f',
  ])
})

t.test('a level that no item has reached counts as begun, and empty items count', async t => {
  const numbering = definition(0, legal) + list(1, 0)
  const body = [item(1, 1, 'a'), item(1, 1, ''), item(1, 1, 'b'), item(1, 0, 'c'), item(1, 1, 'd')]
  t.strictSame(await read({ numbering, body: body.join('') }), ['1.1 a', '1.3 b', '2. c', '  2.1 d'])
})

t.test('hidden items are not counted', async t => {
  const numbering = definition(0, legal) + list(1, 0)
  const hidden = paragraph(
    run('secret', '<w:vanish/>'),
    '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr><w:rPr><w:vanish/></w:rPr>',
  )
  t.strictSame(await read({ numbering, body: item(1, 0, 'a') + hidden + item(1, 0, 'b') }), ['1. a', '2. b'])
})

t.test('start values, overridden starts and overridden levels', async t => {
  const numbering =
    definition(0, level(0, 'decimal', '%1.', { start: 3 }) + level(1, 'decimal', '%1.%2', { start: 0 })) +
    list(1, 0) +
    list(2, 0, startAt(0, 8)) +
    list(3, 0, `<w:lvlOverride w:ilvl="0">${level(0, 'upperLetter', '%1.')}</w:lvlOverride>`)
  const body = [item(1, 0, 'a'), item(1, 1, 'b'), item(2, 0, 'c'), item(2, 0, 'd'), item(3, 0, 'e')]
  t.strictSame(await read({ numbering, body: body.join('') }), ['3. a', '  3.0 b', '8. c', '9. d', 'J. e'])
})

t.test('a level that never restarts, and one that restarts only below the first', async t => {
  const never = level(1, 'decimal', '%2', { extra: '<w:lvlRestart w:val="0"/>' })
  const first = level(2, 'decimal', '%3', { extra: '<w:lvlRestart w:val="1"/>' })
  const numbering = definition(0, level(0, 'decimal', '%1.') + never + first) + list(1, 0)
  const body = [item(1, 0, 'a'), item(1, 1, 'b'), item(1, 2, 'c'), item(1, 1, 'd'), item(1, 2, 'e'), item(1, 0, 'f')]
  const after = [item(1, 1, 'g'), item(1, 2, 'h')]
  t.strictSame(await read({ numbering, body: [...body, ...after].join('') }), [
    '1. a',
    '  1 b',
    '    1 c',
    '  2 d',
    '    2 e',
    '2. f',
    '  3 g',
    '    1 h',
  ])
})

t.test('legal numbers are decimal at every level; text around numbers stays', async t => {
  const numbering =
    definition(0, level(0, 'upperRoman', 'Article %1.') + level(1, 'decimal', '§ %1.%2', { extra: '<w:isLgl/>' })) +
    list(1, 0)
  const body = item(1, 0, 'a') + item(1, 0, 'b') + item(1, 1, 'c')
  t.strictSame(await read({ numbering, body }), ['Article I. a', 'Article II. b', '  § 2.1 c'])
})

const numberedStyles = `
  <w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
  <w:style w:type="paragraph" w:styleId="berschrift2"><w:name w:val="heading 2"/><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
  <w:style w:type="paragraph" w:styleId="own"><w:name w:val="My section"/><w:basedOn w:val="berschrift2"/></w:style>
  <w:style w:type="paragraph" w:styleId="plain"><w:name w:val="Unnumbered"/><w:basedOn w:val="berschrift2"/><w:pPr><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr></w:style>
  <w:style w:type="paragraph" w:styleId="loop"><w:name w:val="Loop"/><w:basedOn w:val="loop"/></w:style>`

t.test(
  'headings are numbered by their styles, by styles based on them, and keep the number as their title',
  async t => {
    const numbering =
      definition(
        0,
        level(0, 'decimal', '%1', { extra: '<w:pStyle w:val="berschrift1"/>' }) +
          level(1, 'decimal', '%1.%2', { extra: '<w:pStyle w:val="berschrift2"/>' }),
      ) + list(1, 0)
    const styled = (style: string, text: string) => paragraph(run(text), `<w:pStyle w:val="${style}"/>`)
    const body = [styled('berschrift1', 'General'), styled('berschrift1', 'Money'), styled('berschrift2', 'Fees')]
    const more = [styled('own', 'Refunds'), styled('plain', 'Remarks'), styled('own', 'Limits'), styled('loop', 'End')]
    const { blocks } = await readDocx(
      wordFile({ numbering, styles: numberedStyles, body: [...body, ...more].join('') }),
    )
    t.strictSame(
      blocks.map(block => [block.kind === 'heading' ? block.level : 'text', block.text]),
      [
        [1, '1 General'],
        [1, '2 Money'],
        [2, '2.1 Fees'],
        [2, '2.2 Refunds'],
        [2, 'Remarks'],
        [2, '2.3 Limits'],
        ['text', 'End'],
      ],
    )
  },
)

t.test('a definition may be a link to a numbering style, even to itself', async t => {
  const numbering =
    definition(0, '<w:numStyleLink w:val="steps"/>') +
    definition(1, `<w:styleLink w:val="steps"/>${legal}`) +
    definition(2, '<w:numStyleLink w:val="circle"/>') +
    list(1, 0) +
    list(2, 1) +
    list(3, 2)
  const linked = (id: string, numId: number) =>
    `<w:style w:type="numbering" w:styleId="${id}"><w:name w:val="${id}"/><w:pPr><w:numPr><w:numId w:val="${numId}"/></w:numPr></w:pPr></w:style>`
  const body = item(1, 0, 'a') + item(1, 1, 'b') + item(2, 0, 'c') + item(3, 0, 'd')
  t.strictSame(await read({ numbering, styles: linked('steps', 2) + linked('circle', 3), body }), [
    '1. a',
    '  1.1 b',
    '2. c',
    'd',
  ])
})

t.test('bullets are hyphens; a level without number and text is a paragraph', async t => {
  const numbering = definition(0, level(0, 'bullet', '\uf0b7') + level(1, 'none', '')) + list(1, 0)
  t.strictSame(await read({ numbering, body: item(1, 0, 'a') + item(1, 1, 'b') + item(7, 0, 'c') }), ['- a', 'b', 'c'])
})

t.test('a clause as long as a paragraph in the style of a heading is an item of text', async t => {
  const numbering = definition(0, level(0, 'decimal', '%1.', { extra: '<w:pStyle w:val="berschrift1"/>' })) + list(1, 0)
  const long = 'The tenant pays the rent on the first day of the month. '.repeat(5).trim()
  const body = paragraph(run(long), '<w:pStyle w:val="berschrift1"/>')
  const { blocks } = await readDocx(wordFile({ numbering, styles: numberedStyles, body }))
  t.strictSame(blocks, [{ kind: 'text', text: `1. ${long}` }])
})

t.test('numbers in a cell stay in front of their lines', async t => {
  const numbering = definition(0, legal) + list(1, 0)
  const cell = (inner: string) => `<w:tc>${inner}</w:tc>`
  const body = `<w:tbl><w:tr>${cell(item(1, 0, 'a') + item(1, 0, 'b'))}${cell(item(1, 0, 'c'))}</w:tr></w:tbl>`
  t.strictSame(await read({ numbering, body }), ['| 1. a 2. b | 3. c |'])
})

t.test('numerals', async t => {
  const shown = (format: string, ...values: number[]) => values.map(value => numeral(value, format)).join(' ')
  t.equal(shown('lowerLetter', 1, 26, 27, 28, 53), 'a z aa bb aaa')
  t.equal(shown('upperRoman', 4, 9, 1994, 4000), 'IV IX MCMXCIV 4000')
  t.equal(shown('russianLower', 1, 10, 26, 29, 30), 'а к ы я аа')
  t.equal(shown('decimalZero', 7, 12), '07 12')
  t.equal(shown('decimalZero3', 7, 120), '007 120')
  t.equal(shown('ordinal', 1, 2, 3, 11, 22, 113), '1st 2nd 3rd 11th 22nd 113th')
  t.equal(numeral(2, 'ordinal', 'it-it'), '2º')
  t.equal(shown('chineseCounting', 3, 10, 21), '三 十 二十一')
  t.equal(shown('decimalEnclosedCircle', 2, 21), '② 21')
  t.equal(shown('constructor', 5), '5', 'an unknown format is decimal')
})

t.test('a marker of thousands of characters is cut, because every paragraph repeats it', async t => {
  const numbering = definition(0, level(0, 'decimal', '%1.'.repeat(5000))) + list(1, 0)
  const [first = ''] = await read({ numbering, body: item(1, 0, 'Knock') })
  t.match(first, /^1\.1\..* Knock$/)
  t.ok(first.length < 200)
})
