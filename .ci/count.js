/**
 * `node count.js RESULTS STATUS`: counts the tests in tap's raw output and prints `N passed, N failed` as the last
 * line. A test is a named test without subtests, not an assertion. It fails if a test failed or was skipped, if none
 * ran, or if tap itself exited with a status other than 0. Plain JavaScript, so that it runs with any Node that CI has.
 */
import { readFileSync } from 'node:fs'

/** Test points of the output with their depth (subtests are indented by four), without diagnostics in `---` … `...`. */
function* pointsOf(text) {
  let isDiagnostic = false
  for (const line of text.split('\n')) {
    if (/^\s*---$/.test(line)) isDiagnostic = true
    else if (/^\s*\.\.\.$/.test(line)) isDiagnostic = false
    const [, indent, not, rest] = /^( *)(not )?ok\b(.*)$/.exec(line) ?? []
    const [, opening] = /^( *)# Subtest: /.exec(line) ?? []
    if (isDiagnostic) continue
    if (opening !== undefined) yield { kind: 'opening', depth: opening.length / 4 }
    if (indent !== undefined) yield { kind: 'point', depth: indent.length / 4, isOk: not === undefined, rest }
  }
}

function count(text) {
  const totals = { passed: 0, failed: 0, skipped: [] }
  /** Tests that have started but not ended, outermost first. */
  const open = []
  for (const { kind, depth, isOk, rest } of pointsOf(text)) {
    if (kind === 'opening') {
      if (open.length > 0) open.at(-1).hasTests = true
      open.push({ depth, hasTests: false, hasFailed: false })
    } else if (/# (SKIP|TODO)\b/i.test(rest)) {
      totals.skipped.push(rest.trim())
    } else if (open.at(-1)?.depth === depth) {
      close(totals, open, isOk)
    } // else an assertion, whose failure fails its test
  }
  totals.failed += open.length > 0 ? 1 : 0 // the output was cut off
  return totals
}

/** A group fails with any of its tests. It only counts itself if it failed although none of its tests did. */
function close(totals, open, isOk) {
  const { hasTests, hasFailed } = open.pop()
  if (isOk && !hasTests) totals.passed += 1
  if (!isOk && !hasFailed) totals.failed += 1
  if (!isOk && open.length > 0) open.at(-1).hasFailed = true
}

function verdict({ passed, failed, skipped }, status) {
  for (const name of skipped) console.log(`skipped, which is an error in CI: ${name}`)
  const missed = failed === 0 && (status !== 0 || passed === 0) ? 1 : 0
  if (missed > 0)
    console.log(
      passed === 0 ? 'no test ran' : `no test failed, but \`npm test\` or \`npm run test:slow\` exited with ${status}`,
    )
  const failures = failed + skipped.length + missed
  console.log(`${passed} passed, ${failures} failed`)
  return failures === 0 ? 0 : 1
}

const [file, status] = process.argv.slice(2)
process.exitCode = verdict(count(readFileSync(file, 'utf8')), Number(status))
