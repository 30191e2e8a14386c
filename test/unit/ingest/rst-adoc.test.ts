import t from 'tap'
import { readAsciidoc } from '../../../src/ingest/readers/asciidoc.ts'
import { readRst } from '../../../src/ingest/readers/rst/rst.ts'

const texts = (text: string) => readRst(text).blocks.map(block => block.text)

t.test('reStructuredText: sections by the order of their underlines', async t => {
  const { blocks, metadata } = readRst(
    '======\nBridge\n======\n\n:Author: Ann Roe\n:orphan:\n\nToll\n====\n\na\n\nCars\n----\n\nb\n\nHours\n=====\n\nc\n',
  )
  t.strictSame(
    blocks.flatMap(block => (block.kind === 'heading' ? [[block.level, block.text]] : [])),
    [
      [1, 'Bridge'],
      [2, 'Toll'],
      [3, 'Cars'],
      [2, 'Hours'],
    ],
  )
  t.strictSame(metadata, { author: 'Ann Roe' })
})

t.test('reStructuredText: markup within a line', async t => {
  const definitions = '\n\n.. _map: https://x.org/map\n.. |who| replace:: The office\n.. [1] A note.\n'
  const cases: readonly (readonly [string, string])[] = [
    ['*a* **b** ``c_d`` \\*e', 'a b c_d *e'],
    ['`the form <https://x.org/f>`_ and map_', '[the form](https://x.org/f) and [map](https://x.org/map)'],
    ['`us <us@x.org>`_', '[us](mailto:us@x.org)'],
    ['10\\ :sup:`6`, H\\ :sub:`2`\\ O', '10⁶, H₂O'],
    ['|who| opens at nine', 'The office opens at nine'],
    [':ref:`Rules <rules>` and :kbd:`Ctrl` and :py:func:`~a.b`', 'Rules and Ctrl and a.b'],
    ['snake_case_ names', 'snake_case names'],
  ]
  for (const [written, read] of cases) t.equal(texts(written + definitions)[0], read, written)
})

t.test('reStructuredText: tables, with the value in every cell that it spans', async t => {
  t.strictSame(
    texts(
      '+--------+-----+-----+\n| Room   | Day | Fee |\n+========+=====+=====+\n| North  | Mon | 4   |\n|        +-----+-----+\n|        | Tue | 5   |\n+--------+-----+-----+\n| South  | see desk  |\n+--------+-----------+\n',
    ),
    ['| Room | Day | Fee |\n| North | Mon | 4 |\n| North | Tue | 5 |\n| South | see desk | see desk |'],
  )
  t.strictSame(texts('===  =====\nA    B\n===  =====\n1    2\n     more\n3    4\n===  =====\n'), [
    '| A | B |\n| 1 | 2 more |\n| 3 | 4 |',
  ])
  const list = '   * - A\n     - B\n   * - 1\n     - 2\n'
  t.strictSame(texts(`.. list-table:: Fees\n   :header-rows: 1\n\n${list}`), ['Fees', '| A | B |\n| 1 | 2 |'])
  t.strictSame(texts('.. csv-table::\n   :header: A, B\n\n   "1, 2", 3\n'), ['| A | B |\n| 1, 2 | 3 |'])
})

t.test('reStructuredText: lists, notes, code, terms; what steers the output is left out', async t => {
  t.strictSame(texts('- a\n- b\n\n  - c\n\n3. d\n4. e\n'), ['- a\n- b\n  - c', '3. d\n4. e'])
  t.strictSame(texts('.. warning:: Hot\n   plate.\n\n.. note::\n   :class: x\n\n   Cold.\n'), [
    'Warning: Hot plate.',
    'Note: Cold.',
  ])
  t.strictSame(texts('.. admonition:: Mine\n\n   Text.\n\nx'), ['Mine: Text.', 'x'])
  t.strictSame(texts('Run::\n\n  a *b*\n\n.. code-block:: js\n   :linenos:\n\n   c\n'), [
    'Run:',
    '```\na *b*\n```',
    '```\nc\n```',
  ])
  t.strictSame(texts('Term\n  Meaning.\n\n| one\n| two\n'), ['Term: Meaning.', 'one\ntwo'])
  t.strictSame(
    texts(
      '.. toctree::\n   :maxdepth: 2\n\n   a\n\n.. include:: /etc/passwd\n\n.. a comment\n\n.. raw:: html\n\n   <b>\n\nx',
    ),
    ['x'],
  )
})

t.test('reStructuredText: hostile texts end, and what substitutions add is bounded', async t => {
  const many = readRst(`.. |a| replace:: ${'x'.repeat(5000)}\n\n${'|a| '.repeat(50_000)}`).blocks
  t.ok(many.reduce((sum, { text }) => sum + text.length, 0) < 5_000_000)
  t.throws(
    () => readRst(Array.from({ length: 300 }, (_, i) => `${' '.repeat(2 * i)}- x`).join('\n\n')),
    /nested too deeply/,
  )
  t.ok(texts('**a *b `c |d '.repeat(5000)).join('').length > 50_000)
  t.strictSame(texts('+-+\n'.repeat(500)), [])
})

t.test('AsciiDoc: sections, notes, tables, links, superscripts', async t => {
  const { blocks, language, metadata, url } = await readAsciidoc(
    '= Bridge\nAnn Roe <ann@x.org>\n:lang: en\n:url: https://x.org/bridge\n\nUp to 10^4^ cars; H~2~O. https://x.org/f[The form].\n\n== Toll\n\nWARNING: No cards.\n\n.Cash\n[TIP]\n====\nCoins only.\n====\n\n|===\n|A |B\n\n.2+|1 |2\n|3\n|===\n\nTerm:: Meaning.\n\n. one\n. two\n',
  )
  t.strictSame(
    blocks.map(({ text }) => text),
    [
      'Bridge',
      'Up to 10⁴ cars; H₂O. [The form](https://x.org/f).',
      'Toll',
      'Warning: No cards.',
      'Cash: Coins only.',
      '| A | B |\n| 1 | 2 |\n| 1 | 3 |',
      'Term: Meaning.',
      '1. one\n2. two',
    ],
  )
  t.equal(language, 'en')
  t.equal(url, 'https://x.org/bridge')
  t.strictSame(metadata, { author: 'Ann Roe', email: 'ann@x.org' })
})

t.test('AsciiDoc reads no other file, and attributes do not multiply', async t => {
  const { blocks } = await readAsciidoc('a\n\ninclude::/etc/passwd[]\n\nb\n\ninclude::https://x.org/y[]\n')
  t.strictSame(
    blocks.map(({ text }) => text),
    ['a', 'b'],
  )
  const bomb = `:a: ${'x'.repeat(4000)}\n${'bcdefgh'.replace(/./g, (name, i: number) => `:${name}: {${'abcdefg'[i]}}{${'abcdefg'[i]}}\n`)}\n${'{h} '.repeat(5000)}`
  const text = (await readAsciidoc(bomb)).blocks.map(block => block.text).join('')
  t.ok(text.length < 5_000_000, `${text.length} characters`)
})
