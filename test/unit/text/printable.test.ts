import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { printable, printableLines } from '../../../src/text/printable.ts'

t.test('what a terminal obeys is written out; everything else stays', async t => {
  for (const text of ['', 'docs/a b.md', 'Студенту/қала.md', '学习', '👩‍👩‍👧 é ё', 'שלום', 'C:\\x'])
    t.equal(printable(text), text)
  t.equal(printable('\u001b]0;owned\u0007\u001b[2J'), '\\u001b]0;owned\\u0007\\u001b[2J')
  t.equal(printable('\u009b31m\u0085\u007f\b\r'), '\\u009b31m\\u0085\\u007f\\u0008\\u000d')
  t.equal(printable('txt.\u202eexe\u2066\u2028'), 'txt.\\u202eexe\\u2066\\u2028')
  t.equal(printable('a\n\tb'), 'a\\u000a\\u0009b')
  t.equal(printableLines('a\n\tb\r\u001b'), 'a\n\tb\\u000d\\u001b')
})

t.test('JSON stays JSON, and says the same', async t => {
  const value = { name: '\u001b[2J\u009b31m\u202e\n"\\', 'k\u0085': 1 }
  const text = printable(JSON.stringify(value))
  t.notMatch(text, /[\p{Cc}\u202e]/u)
  t.same(JSON.parse(text), value)
})

t.test('every file that writes to a terminal writes what is printable', async t => {
  const root = new URL('../../../src/', import.meta.url)
  const writing = globSync('**/*.ts', { cwd: root.pathname }).flatMap(file =>
    readFileSync(new URL(file, root), 'utf8')
      .split('\n')
      .filter(line => /std(out|err)\.write\(/.test(line))
      .map(line => ({ file, line: line.trim() })),
  )
  t.ok(writing.length > 3)
  const own = [
    "host.stderr.write('\\r\\u001B[K')", // the bar's own, to clear its line
    'writeOut: text => void host.stdout.write(text),', // help and version: our own words
    String.raw`process.stderr.write('askwell: the result cannot be written\n')`,
    'writeErr: text => void host.stderr.write(text),', // help after an error, whose own words go through outputError
  ]
  t.same(
    writing.filter(({ line }) => !/printable(Lines)?\(/.test(line) && !own.includes(line)),
    [],
  )
})
