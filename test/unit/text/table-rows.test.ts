import t from 'tap'
import { isTableRow, tableHeaderAt } from '../../../src/text/table-rows.ts'

const table = '| a | b |\n| 1 | 2 |\n| 3 | 4 |'
const at = (text: string, piece: string, before?: string) => tableHeaderAt(text, text.indexOf(piece), before ?? null)

t.test('the header is the first of the rows', async t => {
  t.equal(at(table, '| 3'), '| a | b |')
  t.equal(at(`Text.\n\n${table}`, '4 |'), '| a | b |', 'from within a row, too')
  t.equal(at(`${table}\n\n| c |\n| 5 |`, '| 5'), '| c |', 'a blank line ends a table')
})

t.test('the header itself, and text, have none', async t => {
  t.equal(at(table, '| a'), null)
  t.equal(at(`${table}\nText.`, 'Text'), null)
  t.equal(at('Text.', 'Text'), null)
})

t.test('a table that began before the text has the header of the text before', async t => {
  t.equal(at('| 5 | 6 |\n| 7 | 8 |', '| 7', '| a | b |'), '| a | b |')
  t.equal(at('| 5 | 6 |\n| 7 | 8 |', '| 5', '| a | b |'), '| a | b |')
  t.equal(at(`Text.\n${table}`, '| 3', '| x |'), '| a | b |', 'but not a table of its own')
})

t.test('rows', async t => {
  for (const row of ['| a |', '  | a | b |  ', '|a|']) t.ok(isTableRow(row), row)
  for (const other of ['a | b', '| a', 'a |', '', '|', '| a |\n| b |']) t.notOk(isTableRow(other), other)
})
