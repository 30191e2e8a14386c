import tap, { type Test } from 'tap'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tapOf } from '../../hostile/table.ts'
import { verdictsOf, type Seen, type Stretch } from '../../hostile/verdicts.ts'
import type { Asked, Outcome } from '../../support/load.ts'

function asked(ms: number, outcome: Outcome = 'well'): Asked {
  return {
    at: 0,
    ms,
    outcome,
    isKnown: true,
    isStreamed: false,
    status: 200,
    code: outcome === 'refused' ? 'overloaded' : null,
    degraded: [],
    cache: 'hit',
    why: '',
  }
}

function stretch(isAttacked: boolean, ms: number, heap = 100, rss = 200): Stretch {
  return {
    isAttacked,
    asked: Array.from({ length: 100 }, () => asked(ms)),
    weight: { heap, external: 5, rss, children: [100, 300] },
  }
}

const good: Seen = {
  stretches: [
    stretch(false, 10),
    stretch(true, 29),
    stretch(false, 10),
    stretch(true, 29),
    stretch(false, 10),
    stretch(true, 29),
  ],
  asked: [asked(10), asked(10, 'degraded')],
  played: [{ name: 'a', ms: 5, replies: { 200: 1 }, routes: ['GET /'], faults: [] }],
  names: ['a'],
  routes: ['GET /'],
  death: null,
  leftovers: [],
  spent: [],
  childLimits: { count: 2, mb: 1536 },
}

const missed = (seen: Partial<Seen>) =>
  verdictsOf({ ...good, ...seen })
    .filter(({ isMet }) => !isMet)
    .map(({ name, detail }) => `${name}: ${detail}`)

tap.test('verdicts: all hold when nothing happened', async t => t.same(missed({}), []))

tap.test('verdicts: each is missed by what it is about, and by nothing else', async t => {
  const cases: readonly [RegExp, Partial<Seen>][] = [
    [/^no honest question fails: 1 of 2 failed: 1 × refused overloaded$/, { asked: [asked(1), asked(1, 'refused')] }],
    [/^no honest question fails: 0 asked$/, { asked: [] }],
    [
      /^the p99 .*: 3.10 times: 31 ms, 10 ms without$/,
      { stretches: good.stretches.map(each => (each.isAttacked ? stretch(true, 31) : each)) },
    ],
    [
      /^memory is flat: heap 110 → 150 MB/,
      { stretches: good.stretches.map((each, nth) => stretch(each.isAttacked, 10, 100 + nth * 10)) },
    ],
    [
      /^memory is flat: heap 100 → 100 MB, RSS 240 → 400 MB$/,
      { stretches: good.stretches.map((each, nth) => stretch(each.isAttacked, 10, 100, 200 + nth * 40)) },
    ],
    [
      /^its children are .*: at most 3 of 2 at once, the largest 300 of 1536 MB$/,
      {
        stretches: good.stretches.map((each, nth) => ({
          ...each,
          weight: { ...each.weight!, children: nth === 2 ? [100, 300, 100] : [100] },
        })),
      },
    ],
    [
      /^its children are .*: at most 1 of 2 at once, the largest 1600 of 1536 MB$/,
      {
        stretches: good.stretches.map((each, nth) => ({
          ...each,
          weight: { ...each.weight!, children: nth === 2 ? [1600] : [100] },
        })),
      },
    ],
    [/^memory is flat/, { stretches: good.stretches.map(each => ({ ...each, weight: null })) }],
    [/^the process is the same: it ended/, { death: 'it ended with 1' }],
    [/^nothing is left of it at the end: process 7$/, { leftovers: ['process 7'] }],
    [/^no attack found what it looked for: 2 × a: 500$/, { played: [{ ...good.played[0]!, faults: ['500', '500'] }] }],
    [
      /^every attack was played, on every route: not: b, GET \/docs$/,
      { names: ['a', 'b'], routes: ['GET /', 'GET /docs'] },
    ],
    [/^no sequence moves without a row/, { spent: ['embedding_models.id is at 900, its last row at 1'] }],
  ]
  for (const [fault, seen] of cases) {
    const found = missed(seen)
    t.equal(found.length, 1, String(fault))
    t.match(found[0], fault)
  }
})

tap.test('verdicts: memory that stands high once, and comes down again, is flat', async t => {
  const heaps = [100, 100, 400, 100, 100, 110, 390, 100, 100]
  t.same(missed({ stretches: heaps.map((heap, nth) => stretch(nth % 2 === 1, 10, heap)) }), [])
})

tap.test('verdicts: CI counts them as tests; what is timed is shown alone unless it is asserted', async t => {
  const slow = {
    ...good,
    stretches: good.stretches.map(each => (each.isAttacked ? stretch(true, 90) : each)),
    death: 'ok 1 - it died',
  }
  const total = verdictsOf(good).length
  t.equal(counted(t, tapOf(verdictsOf(good), true)), `${total} passed, 0 failed`)
  t.equal(counted(t, tapOf(verdictsOf(slow), false)), `${total - 1} passed, 1 failed`)
  t.equal(counted(t, tapOf(verdictsOf(slow), true)), `${total - 2} passed, 2 failed`)
})

tap.test(
  'a failure is repeated before the last line, with the tests it is in and its diagnostics, and once',
  async t => {
    const output = `# Subtest: test/a.test.ts
    # Subtest: outer
        # Subtest: inner
            ok 1 - fine
            not ok 2 - should be equal
              ---
              diff: -1 +2
              ...
            1..2
        not ok 1 - inner # time=1ms
        1..1
    not ok 1 - outer
    1..1
not ok 1 - test/a.test.ts`
    t.strictSame(linesOfCount(t, output), [
      'failed: test/a.test.ts › outer › inner › 2 - should be equal',
      '              diff: -1 +2',
      '0 passed, 1 failed',
    ])
  },
)

function counted(t: Test, output: string): string | undefined {
  return linesOfCount(t, output).at(-1)
}

function linesOfCount(t: Test, output: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'askwell-test-count-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'results')
  writeFileSync(file, `${output}\n`)
  const count = fileURLToPath(new URL('../../../.ci/count.js', import.meta.url))
  return spawnSync(process.execPath, [count, file, '0'], { encoding: 'utf8' }).stdout.trimEnd().split('\n')
}
