import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { anyWorld, databaseSettings } from '../support/app.ts'
import { runCli, type Finished } from '../support/cli.ts'

/** Names and texts that a terminal would take for commands: whoever loads the files of others reads their names there. */

/** Sets the title of the window, clears it, turns the writing round, and begins a line of its own. */
const hostile = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\naskwell: all is well'

function assertTame(t: Test, { stdout, stderr }: Finished, what: string): void {
  t.notMatch(stdout + stderr, /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/u, what)
  t.notMatch(stdout + stderr, /^askwell: all is well/m, `${what}: no line of its own`)
  t.match(stdout + stderr, 'u001b]0;owned', `${what}: it is named all the same`)
}

t.test('ingest: the names of files that cannot be read, also as JSON and as what the shell made of them', async t => {
  const cwd = t.testdir({ docs: { 'fine.txt': 'Деканат открыт с девяти.' } })
  const env = await databaseSettings(t, anyWorld)
  writeFileSync(join(cwd, 'docs', `${hostile}.md`), '')
  writeFileSync(join(cwd, 'docs', `${hostile}.csv`), 'question,answer\none?\n')
  writeFileSync(join(cwd, 'docs', `${hostile}.jsonl`), '{"id":"a"}\n')
  for (const args of [['docs'], ['docs', '--json']]) {
    const run = await runCli(['ingest', ...args], { cwd, env })
    t.equal(run.code, 3)
    assertTame(t, run, args.join(' '))
    t.equal(
      run.stderr
        .trim()
        .split('\n')
        .filter(line => line.startsWith('askwell: docs/')).length,
      3,
      'a line a file',
    )
  }
  assertTame(t, await runCli(['ingest', `${hostile}.md`], { cwd, env }), 'one that is not there')
  assertTame(t, await runCli(['ingest', `--${hostile}`], { cwd, env }), 'an option that is none')
  assertTame(t, await runCli([hostile], { cwd, env }), 'a command that is none')
  assertTame(t, await runCli(['ingest', 'docs', '-c', hostile], { cwd, env }), 'a collection')
  assertTame(t, await runCli(['ingest', `docs/*${hostile}`, '--prune'], { cwd, env }), 'a path to prune')
})

t.test('eval, tune, settings: names of folders and of files, and what stands in them', async t => {
  const cwd = t.testdir({
    set: { 'corpus.jsonl': '{"id":"d","text":"x"}\n', 'queries.jsonl': '{"id":"q","text":"x"}\n' },
  })
  writeFileSync(join(cwd, 'set', 'qrels.tsv'), `query\tdocument\tgrade\n${hostile.replace('\n', '')}\td\t1\n`)
  assertTame(t, await runCli(['eval', 'set'], { cwd }), 'a question that is judged')
  mkdirSync(join(cwd, `${hostile}x`))
  const folder = await runCli(['eval', `${hostile}x`], { cwd })
  t.notMatch(folder.stderr, /(?!\n)[\p{Cc}\u202e]/u)
  t.match(folder.stderr, 'u001b]0;owned')
  assertTame(t, await runCli(['serve'], { cwd, env: { LOG_LEVEL: hostile } }), 'a setting')
})
