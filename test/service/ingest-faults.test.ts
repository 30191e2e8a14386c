import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { databaseSettings, skipReason, eitherWorld } from '../support/app.ts'
import { runCli } from '../support/cli.ts'
import { contentsOf, inDatabase } from '../support/contents.ts'
import { docx } from '../support/zip.ts'

/** In Russian, which the local model does not read: no test waits for vectors. */
const good = { 'a.md': '# Первый\n\nДокументы принимают до июля.', 'z.md': '# Последний\n\nКниги выдают на месяц.' }
const limits = { PREPARE_CPU_SECONDS: '4', PREPARE_MEMORY_MB: '400' }

async function loaded(cwd: string, env: Record<string, string>) {
  const run = await runCli(['ingest', 'site', '--json', '-l', 'ru'], { cwd, env: { ...env, ...limits } })
  const { documents } = await inDatabase(env, sql => contentsOf(sql))
  return { ...run, sources: documents.map(document => (document as { source: string }).source) }
}

for (const world of eitherWorld) {
  tap.test(`one file cannot end a load, ${world}`, { skip: skipReason(world) }, async t => {
    // Letters that do not repeat: an index would take 1,500 equal ones.
    const id = Array.from({ length: 24 }, (_, i) => hash('sha256', `${i}`, 'hex'))
      .join('')
      .slice(0, 1500)
      .replace(/./g, digit => 'абвгдежзийклмноп'[parseInt(digit, 16)]!)
    const site = {
      ...good,
      'endless.md': '*a**b'.repeat(60_000),
      'enormous.md': '- a\n'.repeat(200_000),
      'deep.md': '> '.repeat(50_000),
      'quotes.csv': `question,answer\nКогда?,В июле.\n${'"Где,там\n'.repeat(2000)}`,
      'rows.jsonl': [
        { id: 'one', text: 'Первая строка.' },
        { id, text: 'Имя этой строки слишком длинно.' },
        { id: 'two', text: 'Вторая строка.' },
      ]
        .map(row => JSON.stringify(row))
        .join('\n'),
    }
    const cwd = t.testdir({ site })
    writeFileSync(join(cwd, 'site/bomb.docx'), docx(['Бомба'], 450_000_000))
    const { code, stderr, json, sources } = await loaded(cwd, await databaseSettings(t, world))
    t.equal(code, 3)
    t.match(stderr, /bomb\.docx: unpacks to far more than its size/)
    t.match(stderr, /endless\.md: takes more than (?:4 s of CPU time|400 MB of memory) to prepare \(PREPARE_/)
    t.match(stderr, /enormous\.md: takes more than/)
    t.match(stderr, /deep\.md: is nested too deeply/)
    t.match(stderr, /quotes\.csv:3: has a quote that is not closed/)
    t.match(stderr, /rows\.jsonl:2: has a source/)
    t.ok(
      ['site/a.md', 'site/z.md', 'site/rows.jsonl#one', 'site/rows.jsonl#two'].every(source =>
        sources.includes(source),
      ),
      sources.join(' '),
    )
    t.equal(json.added, sources.length)
  })

  tap.test(`a document that the database does not take is left out, ${world}`, { skip: skipReason(world) }, async t => {
    const cwd = t.testdir({ site: good })
    const env = await databaseSettings(t, world)
    t.equal((await loaded(cwd, env)).code, 0)
    await inDatabase(env, sql => sql`alter table documents add constraint unwanted check (title <> 'Чужой')`)
    writeFileSync(join(cwd, 'site/m.md'), '# Чужой\n\nЭтого нельзя.')
    writeFileSync(join(cwd, 'site/n.md'), '# Новый\n\nЭто можно.')
    const { code, stderr, json, sources } = await loaded(cwd, env)
    t.equal(code, 3)
    t.match(stderr, /site\/m\.md: the database rejected it: .*unwanted/)
    t.match(json, { documents: 3, added: 1, unchanged: 2, faults: 1 })
    t.strictSame(sources, ['site/a.md', 'site/n.md', 'site/z.md'])
  })

  tap.test(
    `a long text with one fence, and one without a blank, are loaded, ${world}`,
    { skip: skipReason(world) },
    async t => {
      const text = 'Студент подаёт заявление. '.repeat(20_000)
      const cwd = t.testdir({
        site: { ...good, 'fence.md': `\`\`\`\n${text}`, 'blankless.txt': 'заявление'.repeat(100_000) },
      })
      const { code, json, sources, stderr } = await loaded(cwd, await databaseSettings(t, world))
      t.ok(code === 0 || (code === 3 && /takes more than/.test(stderr)), stderr)
      t.ok(['site/a.md', 'site/z.md'].every(source => sources.includes(source)))
      t.equal(json.documents + json.faults, 4)
    },
  )
}
