import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { barsTable } from '../../../bench/answers/bars.ts'
import { pageOf } from '../../../bench/answers/page.ts'
import { readResults, stored, writeResults, type Results } from '../../../bench/answers/results.ts'
import { setupsFor } from '../../../bench/answers/settings.ts'
import { measured } from '../../../src/eval/answers/measure.ts'
import { asked, question, refusal } from '../../support/asked.ts'

const set = stored(
  measured({ name: 'small corpora', form: 'small' }, [
    asked(),
    asked({ question: question({ kind: 'far', isAnswerable: false }), reply: refusal() }),
    asked({ question: question({ kind: 'far', isAnswerable: false }) }),
  ]),
)
const facts = { title: 'T', command: 'c', commit: 'abc', date: '2026-01-01', sample: 9, seconds: 1, ranking: [] }
const results: Results = { setups: { default: { ...facts, sets: [set] } } }

tap.test('which setups can be measured, and why others cannot', async t => {
  const names = (env: Record<string, string>) => setupsFor(env).setups.map(({ name }) => name)
  const e5 = { OPENAI_BASE_URL: 'http://127.0.0.1/v1' }
  t.same(names({}), ['default'])
  t.same(names(e5), ['default', 'e5', 'e5-renamed'])
  t.same(names({ ...e5, RERANK_MODEL: 'onnx:folder' }), ['default', 'e5', 'e5-renamed', 'e5-cross'])
  t.same(names({ ...e5, RERANK_MODEL: 'some-name' }), ['default', 'e5', 'e5-renamed'], 'a name alone is no reranker')
  t.match(setupsFor({}).leftOut, [{ why: /OPENAI_BASE_URL/ }, { why: /OPENAI_BASE_URL/ }])
  t.match(setupsFor(e5).leftOut, [{ title: 'e5 and a cross-encoder', why: /RERANK_URL/ }])
  t.match(setupsFor({}).setups[0]?.env, { EMBEDDING_MODEL: 'local' }, 'the default has no server')
})

tap.test('bars: what was measured, and what was not', async t => {
  const { rows } = barsTable(results)
  t.equal(rows[0]?.at(-1), '1 of 1 / 1 of 2')
  t.match(rows[1]?.at(-1), 'not measured')
  t.equal(rows.at(-1)?.[0], 'right answers ahead of the best single signal, small corpora, T')
  t.ok(rows.every(row => row.length === 5))
})

tap.test('results survive being written and read, and a page shows each setup with its command', async t => {
  const path = join(t.testdir({}), 'results.json')
  t.same(await readResults(path), { setups: {} }, 'none yet')
  await writeResults(path, results)
  t.notMatch(readFileSync(path, 'utf8'), 'curve', 'the points of curves are not kept')
  const read = await readResults(path)
  t.match(read.setups['default'], {
    commit: 'abc',
    sets: [{ name: 'small corpora', all: { answerable: { questions: 1 } } }],
  })
  const page = pageOf(read, [{ title: 'e5', why: 'there is none' }])
  t.match(page, /## With T\n\n`c` at abc, 2026-01-01, at most 9 questions/)
  t.match(page, 'Not measured in the last run: e5, because there is none.')
})
