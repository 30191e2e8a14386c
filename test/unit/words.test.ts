import { globSync, readFileSync } from 'node:fs'
import tap from 'tap'

/** The rules of plain technical English that a list of words can hold: a word, and what to write in its place. */
const rules: readonly Rule[] = [
  { pattern: /\banew\b/i, instead: 'again, a fresh run, re-…' },
  { pattern: /\bbeside\b/i, instead: 'next to, with, besides' },
  { pattern: /\bmend(s|ed|ing)?\b/i, instead: 'fix, repair' },
  { pattern: /\b(is|are|was|were|been) told\b/i, instead: 'receives, is notified, log, report' },
  { pattern: /\bbe had\b/i, instead: 'be available' },
  { pattern: /\bhas it that\b/i, instead: 'says' },
  { pattern: /(^|[*/] |\. )(Null|Undefined|Absent): /, instead: '"Null when …" or "Null if …"' },
  { pattern: /(^|[^\w.`$'"[(/-])\.\d/, instead: 'a zero before the decimal point' },
  { pattern: /\b(one|once|two|three) a (request|question|call|chunk|document)\b/i, instead: 'per request' },
  {
    pattern: /(^|[.;:] |[*/] )(Who|What) (comes|asks|waits|left|leaves|joins|wants|has)\b/,
    instead: 'a caller that …',
  },
]

interface Rule {
  readonly pattern: RegExp
  readonly instead: string
}

interface Line {
  readonly file: string
  readonly number: number
  readonly text: string
}

/** Lines of prose: comments of the code, and whole pages. */
function proseOf(file: string): Line[] {
  const isCode = /\.[jt]s$/.test(file)
  let isFenced = false
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((text, index) => ({ file, number: index + 1, text }))
    .filter(({ text }) => {
      if (/^\s*```/.test(text)) isFenced = !isFenced
      return isCode ? /^\s*(\/\*\*|\*|\/\/) /.test(text) : !isFenced
    })
}

/** Quotes and addresses are not our prose: code, the words of a question, the anchor of a heading. */
function withoutQuotes(text: string): string {
  return text
    .replace(/`[^`]*`/g, '``')
    .replace(/"[^"]*"/g, '""')
    .replace(/\]\([^)]*\)/g, ']()')
}

function faultsIn({ file, number, text }: Line): string[] {
  const words = withoutQuotes(text)
  return rules
    .filter(({ pattern }) => pattern.test(words))
    .map(({ instead }) => `${file}:${number}: ${text.trim()} (write: ${instead})`)
}

tap.test('comments and pages keep to the words of the field', async t => {
  const files = globSync([
    'src/**/*.{js,ts}',
    'docs/**/*.md',
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
  ])
  t.ok(files.length > 300)
  t.same(
    files.flatMap(file => proseOf(file).flatMap(faultsIn)),
    [],
  )
})

tap.test('each rule finds what it forbids', async t => {
  const wrong = [
    'the vectors are made anew',
    'the lock beside the table',
    'a mended fault',
    'the caller is told',
    'no better one can be had',
    'the log has it that it failed',
    '/** Null: nothing is known. */',
    'it took .5 ms',
    'one a request',
    '// Who comes now must wait.',
  ]
  const found = wrong.map(text => rules.filter(({ pattern }) => pattern.test(text)).length)
  t.same(
    found,
    wrong.map(() => 1),
  )
  for (const text of ['it took 0.5 ms', 'v1.5', 'Null when nothing is known.', 'a method can be told apart', '`.env`'])
    t.same(faultsIn({ file: 'x.md', number: 1, text }), [], text)
})
