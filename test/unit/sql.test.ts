import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'

/**
 * Values reach the database as parameters. Text that is made here becomes SQL in these places only; whoever adds one says
 * why it cannot be a parameter, and why nothing of a caller's can be in it.
 */
const allowed: readonly Place[] = [
  {
    file: 'adapters/postgres/migrations/apply.ts',
    code: 'tx.unsafe(migration.text)',
    why: 'the files of sql/, as they stand in the package',
  },
  { file: 'adapters/postgres/migrations/apply.ts', code: 'sql.unsafe(statement)', why: 'one statement of such a file' },
  {
    file: 'adapters/postgres/collection-notifications.ts',
    code: 'sql.unsafe(`listen ${channel}`)',
    why: 'LISTEN takes no parameter; the name is a constant',
  },
  {
    file: 'adapters/postgres/pool.ts',
    code: 'sql.unsafe(`set statement_timeout = ${timeoutMs}`)',
    why: 'SET takes no parameter; a power of two reckoned from a deadline',
  },
  {
    file: 'adapters/postgres/store/passages.ts',
    code: 'sql.unsafe(`halfvec(${values.length})`)',
    why: "a type's length is no parameter; it is the length of an array",
  },
  {
    file: 'adapters/postgres/store/vector-search.ts',
    code: 'sql.unsafe(`halfvec(${values.length})`)',
    why: 'the same',
  },
  {
    file: 'adapters/postgres/inline-number.ts',
    code: 'sql.unsafe(String(value))',
    why: 'the planner must see limits and the condition of an index; it is checked to be a number',
  },
  {
    file: 'adapters/postgres/store/vector-index.ts',
    code: 'sql.unsafe(`\n      create index concurrently ${name}',
    why: 'DDL takes no parameters; numbers from the database, and a name made of them',
  },
  {
    file: 'adapters/postgres/store/textsearch.ts',
    code: 'tx.unsafe(`\n      create or replace function bm25_text',
    why: 'DDL; the only part that is put in is an expression over its own columns',
  },
  {
    file: 'adapters/postgres/store/textsearch.ts',
    code: 'tx.unsafe(`create index if not exists chunks_bm25',
    why: 'DDL, a constant',
  },
  {
    file: 'adapters/postgres/store/textsearch.ts',
    code: 'tx.unsafe(`\n      create or replace function bm25_chunks',
    why: 'DDL, a constant',
  },
  {
    file: 'adapters/postgres/store/textsearch.ts',
    code: "sql.unsafe(encoded(String(collectionId), 'term'))",
    why: 'an expression over a column; a number from the database',
  },
]

interface Place {
  readonly file: string
  readonly code: string
  readonly why: string
}

interface Source {
  readonly file: string
  readonly text: string
}

/** Ways past parameters: the driver's own, a file, a tag that is called as a function, a query handed over as text. */
const ways = [
  /\b\w+\.unsafe\b/g,
  /\bsql\.file\b/g,
  /\bString\.raw`\s*(select|insert|update|delete|create|drop|alter|set|listen)\b/gi,
  /\b(pg|lite|db|client|database)\.(query|exec)\s*\(/g,
]

function ungiven({ file, text }: Source): string[] {
  return ways
    .flatMap(way => [...text.matchAll(way)])
    .filter(({ index }) => !allowed.some(place => place.file === file && text.startsWith(place.code, index)))
    .map(({ index }) => `${file}:${text.slice(0, index).split('\n').length}: ${text.slice(index, index + 60)}`)
}

/** A statement as plain text that has something put in, or is put together with `+`: it could only be meant for one of those ways. */
const built =
  /(?<![\w)\]>])`\s*(select\s.+?\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from|create\s+(table|index|function)|alter\s+table|drop\s+(table|index))\b[^`]*\$\{|['"]\s*(select\s[^'"]+\sfrom|insert\s+into|update\s+\w+\s+set|delete\s+from)\s[^'"]*['"]\s*\+/gis

function builtIn({ file, text }: Source): string[] {
  return [...text.matchAll(built)]
    .filter(
      ({ index }) =>
        !allowed.some(
          place => place.file === file && text.slice(Math.max(0, index - 12), index + 200).includes(place.code),
        ),
    )
    .map(({ index }) => `${file}:${text.slice(0, index).split('\n').length}: ${text.slice(index, index + 60)}`)
}

const folder = join(import.meta.dirname, '../../src')
const sources: Source[] = globSync('**/*.ts', { cwd: folder }).map(file => ({
  file,
  text: onOneLine(withoutComments(readFileSync(join(folder, file), 'utf8'))),
}))

/** What stands in `unsafe(…)` begins behind the bracket, on whichever line the formatter put it: the line break moves before it. */
function onOneLine(text: string): string {
  return text.replace(/(\b\w+\.unsafe\()(\s+)/g, '$2$1')
}

/** Their lines stay, empty. */
function withoutComments(text: string): string {
  return text.replace(/^ *\/\*[^]*?\*\/|^ *\/\/.*$/gm, comment => comment.replace(/.+/g, ''))
}

tap.test('SQL in src/: no text becomes a statement but in the places that say why', async t => {
  t.ok(sources.length > 100)
  t.same(sources.flatMap(ungiven), [])
  t.same(sources.flatMap(builtIn), [])
})

tap.test('the list of places: each is still there, once a line', async t => {
  for (const { file, code } of allowed)
    t.ok(
      sources.some(source => source.file === file && source.text.includes(code)),
      `${file}: ${code}`,
    )
})

tap.test('the rules: every way is found, also in a file that has places of its own', async t => {
  for (const code of [
    'sql.unsafe(text)',
    'tx.unsafe(`drop table ${name}`)',
    "sql.file('x.sql')",
    'const run = sql.unsafe',
    'database.query("select 1")',
  ]) {
    t.equal(ungiven({ file: 'adapters/postgres/collection-notifications.ts', text: `\n${code}\n` }).length, 1, code)
  }
  for (const code of [
    'const q = `select * from chunks where id = ${id}`',
    "const q = 'select * from chunks where id = ' + id",
    "run(`delete from chunks where name = '${name}'`)",
  ]) {
    t.equal(builtIn({ file: 'adapters/x.ts', text: code }).length, 1, code)
  }
  for (const code of [
    'sql`select * from chunks where id = ${id}`',
    'await tx<Row[]>`insert into chunks ${tx(rows)}`',
    "const detail = 'select another model from the list'",
  ]) {
    t.same(
      [...ungiven({ file: 'adapters/x.ts', text: code }), ...builtIn({ file: 'adapters/x.ts', text: code })],
      [],
      code,
    )
  }
})
