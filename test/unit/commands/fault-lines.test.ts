import t from 'tap'
import { createFaultLines } from '../../../src/commands/fault-lines.ts'

t.test('of the lines of one file the first twenty are printed, then how many more there are', async t => {
  const printed: string[] = []
  const faults = createFaultLines(line => printed.push(line))
  for (let line = 1; line <= 200_000; line += 1)
    faults.report({ path: 'a.csv', line, reason: 'the quote is not closed' })
  for (let line = 1; line <= 20; line += 1) faults.report({ path: 'b.csv', line, reason: 'the quote is not closed' })
  faults.report({ path: 'c\u001b.pdf', reason: 'is no PDF' })
  faults.end()
  t.equal(printed.length, 42)
  t.equal(printed[0], 'askwell: a.csv:1: the quote is not closed')
  t.equal(printed[40], 'askwell: c\\u001b.pdf: is no PDF')
  t.equal(printed[41], 'askwell: a.csv: 199980 more lines could not be read')
})

t.test('files that cannot be read are printed, however many', async t => {
  let printed = 0
  const faults = createFaultLines(() => (printed += 1))
  for (let nth = 0; nth < 100; nth += 1) faults.report({ path: 'a.pdf', reason: 'is no PDF' })
  faults.end()
  t.equal(printed, 100)
})
