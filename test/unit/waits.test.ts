import { globSync, readFileSync } from 'node:fs'
import t from 'tap'

/**
 * Tests hold on any machine: they wait with `until`, let time pass with `atLeast`, and assert no durations. What is
 * forbidden is looked for line by line; who needs one of these all the same is named below, with the reason.
 */

interface Rule {
  readonly what: string
  readonly pattern: RegExp
  /** Where it is allowed. The default is test/support, which the others build on, and the load of test/hostile, which runs for minutes. */
  readonly allowed?: RegExp
}

const support = /^test\/(support|hostile)\//

const rules: readonly Rule[] = [
  {
    what: 'a wait by the clock: use until, or atLeast',
    pattern: /import \{[^}]*\bsetTimeout\b[^}]*\} from 'node:timers/,
  },
  { what: 'a timer: use until, or atLeast', pattern: /(?<![.\w])setTimeout\(/ },
  { what: 'an end by the clock: abort when something has happened', pattern: /AbortSignal\.timeout\(/ },
  { what: 'a duration: assert what was provoked, or inject a clock', pattern: /\b(performance|Date)\.now\(\) - / },
  { what: 'a loop until a time: use until', pattern: /while \(.*\b(performance|Date)\.now\(\)/ },
  {
    what: 'a bound on milliseconds: inject a clock',
    pattern: /\bt\.ok\([^'"`]*\b(timings_ms\.\w+|tookMs|took|elapsed\w*)\b[^'"`]* <=? /,
  },
  {
    what: 'a wait of its own: there is test/support/until.ts',
    pattern: /function (until|waitFor|eventually)\b/,
    allowed: /^test\/support\/until\.ts$/,
  },
  {
    what: "a time-out: the runner's own (.taprc) only ends what is dead",
    pattern: /\b(t|tap)\.setTimeout\((?!1_800_000|Math\.max\(1_800_000)|\btest\(.*\btimeout: \d/,
  },
]

/** By file and what stands in the line; none of them can fail because a machine is slow. */
const exceptions: readonly (readonly [file: string, text: string, why: string])[] = [
  [
    'test/unit/ask/cache/collection-snapshot.test.ts',
    't.ok(performance.now() - startedAt > trustedMs)',
    'a writer waits at least so long',
  ],
  ['test/unit/ask/generation/extractive.test.ts', 'setTimeout(timeout)', 'a text'],
  ['test/slow/redis.test.ts', 'while (performance.now() < end)', 'the event loop is to be blocked'],
  ['test/slow/redis.test.ts', 'setTimeout(resolve, 10)', 'a program of its own, which cannot import until'],
  ['test/service/recommend-load.test.ts', 'while (performance.now() < end)', 'the event loop is to be blocked'],
  ['test/unit/http/asking.test.ts', 'performance.now() - 1000', 'a question that arrived a second ago'],
  ['test/faults/left-alone.ts', 'performance.now() - beganAt', 'a bound on a count that grows with the time'],
  ['test/faults/scenario.ts', 'performance.now()', 'figures for the table; nothing is asserted of them'],
  ['test/mutations/run.ts', 'performance.now() - startedAt', 'a figure for the table; nothing is asserted of it'],
]

const files = globSync('test/**/*.ts')
  .filter(file => !file.endsWith('waits.test.ts'))
  .sort()

function linesAgainst({ pattern, allowed = support }: Rule): string[] {
  return files
    .filter(file => !allowed.test(file))
    .flatMap(file =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line, at) =>
          pattern.test(withoutComment(line)) && !isExcepted(file, line) ? [`${file}:${at + 1} ${line.trim()}`] : [],
        ),
    )
}

function isExcepted(file: string, line: string): boolean {
  return exceptions.some(([name, text]) => name === file && line.includes(text))
}

function withoutComment(line: string): string {
  return /^\s*(\*|\/\*|\/\/)/.test(line) ? '' : line.replace(/ \/\/ .*/, '')
}

t.test('there are tests to look at', async t => void t.ok(files.length > 150))

for (const rule of rules) t.test(`no test has ${rule.what}`, async t => void t.same(linesAgainst(rule), []))

t.test('every exception is still needed', async t => {
  const unused = exceptions.filter(([file, text]) => !readFileSync(file, 'utf8').includes(text))
  t.same(unused, [])
})

t.test('what is forbidden is found', async t => {
  const faulty = [
    "import { setTimeout as sleep } from 'node:timers/promises'",
    'setTimeout(() => controller.abort(), 20)',
    'fetch(url, { signal: AbortSignal.timeout(100) })',
    't.ok(performance.now() - at < 100)',
    'while (!isReady && performance.now() < stopAt) await turn()',
    't.ok(json.timings_ms.rerank < 1000)',
    'async function until(isSo: () => boolean) {',
    't.setTimeout(240_000)',
  ]
  for (const [at, line] of faulty.entries()) t.match(line, rules[at]!.pattern)
  for (const fine of [
    'clock.setTimeout(fire, ms)',
    't.setTimeout(1_800_000)',
    "import { setImmediate as turn } from 'node:timers/promises'",
    't.ok(pool.wait_ms.count > 0)',
    't.ok(json.timings_ms.admit > 0)',
  ]) {
    t.same(
      rules.filter(({ pattern }) => pattern.test(fine)),
      [],
      fine,
    )
  }
})
