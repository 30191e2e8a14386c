import { readdirSync } from 'node:fs'
import tap from 'tap'
import { compare, type Applied } from '../../../../../src/adapters/postgres/migrations/applied.ts'
import { parseMigration, readMigrations, statementsOf } from '../../../../../src/adapters/postgres/migrations/files.ts'

tap.test('the files of sql/: each says whether older code may run, and none is left out', async t => {
  const files = await readMigrations()
  t.same(
    files.map(each => each.name),
    readdirSync(new URL('../../../../../sql', import.meta.url)).sort(),
  )
  t.ok(files.every(each => /^[0-9a-f]{64}$/.test(each.checksum)))
  t.equal(new Set(files.map(each => each.name.slice(0, 6))).size, files.length, 'no number twice')
})

tap.test('a migration', async t => {
  const runs = parseMigration('000100_a.sql', '-- older code: runs\nselect 1;\n')
  t.match(runs, { olderCode: 'runs', isTransaction: true })
  t.match(parseMigration('000100_a.sql', '-- older code: refused\n-- without a transaction\nselect 1;\n'), {
    olderCode: 'refused',
    isTransaction: false,
  })
  t.equal(
    parseMigration('000100_a.sql', '-- older code: runs\r\nselect 1;\r\n').checksum,
    runs.checksum,
    'line ends do not count',
  )
  t.not(parseMigration('000100_a.sql', '-- older code: runs\nselect 2;\n').checksum, runs.checksum)
  for (const text of ['', 'select 1', '-- older code: maybe\nselect 1', 'select 1;\n-- older code: runs']) {
    t.throws(() => parseMigration('000100_a.sql', text), /sql\/000100_a\.sql must begin with "-- older code: runs" or/)
  }
})

tap.test('statements: a semicolon ends one only outside of comments, quotes and bodies', async t => {
  const text = `-- older code: runs; really
    create table "a;b" (x text default 'it''s; so'); /* ; */
    -- more; to come
    create function f() returns int language plpgsql as $body$ begin return 1; end $body$;
    do $$ begin null; end $$;
    select 1 -- the last has no; semicolon`
  t.match(statementsOf(text), [
    /^create table "a;b" .*so'\)$/,
    /^create function .*\$body\$$/,
    /^do \$\$ begin null; end \$\$$/,
    /^select 1/,
  ])
  t.same(statementsOf('-- nothing;\n;;\n'), [])
})

tap.test('a database and a version', async t => {
  const files = [1, 2].map(n => parseMigration(`00000${n}_x.sql`, `-- older code: runs\nselect ${n}`))
  const row = (name: string, more: Partial<Applied> = {}): Applied => ({
    name,
    checksum: null,
    olderCode: null,
    ...more,
  })
  const [first, second] = files.map(({ name, checksum }) => row(name, { checksum, olderCode: 'runs' })) as [
    Applied,
    Applied,
  ]

  await t.test('what is missing, and what is not signed', async t => {
    t.same(compare(files, []), { pending: files, newer: [], unsigned: [] })
    t.same(compare(files, [first]), { pending: [files[1]!], newer: [], unsigned: [] })
    t.same(compare(files, [row(first.name), second]), { pending: [], newer: [], unsigned: [files[0]!] })
  })
  await t.test('a newer one that lets older code run, one that does not, one that says nothing', async t => {
    const runs = row('000003_y.sql', { olderCode: 'runs', checksum: 'of a file that is not here' })
    t.same(compare(files, [first, second, runs]), { pending: [], newer: ['000003_y.sql'], unsigned: [] })
    for (const olderCode of ['refused', null] as const) {
      const refusing = row('000004_z.sql', { olderCode })
      t.throws(
        () => compare(files, [first, second, runs, refusing]),
        /newer version \(it has 000004_z\.sql\): run that version, or restore/,
      )
    }
    t.throws(
      () => compare(files, [first, runs]),
      /has 000003_y\.sql, which this version does not know, but lacks 000002_x\.sql/,
    )
  })
  await t.test('one that was changed after it was applied', async t => {
    t.throws(
      () => compare(files, [first, { ...second, checksum: 'f'.repeat(64) }]),
      /000002_x\.sql differs from the one .*install the version .*update migrations set checksum = null where name = '000002_x\.sql'/,
    )
  })
})
