/**
 * `node count.js RESULTS STATUS`: counts the tests in tap's raw output, repeats what failed, and prints
 * `N passed, N failed` as the last line. A test is a named test without subtests, not an assertion. It fails if a test
 * failed or was skipped, if none ran, or if tap itself exited with a status other than 0. Plain JavaScript, so that it
 * runs with any Node that CI has.
 */
import { readFileSync } from 'node:fs'

/** Lines of diagnostics repeated for each failed assertion, and failed assertions repeated. */
const DIAGNOSTIC_LINES = 25
const REPEATED_FAILURES = 10

/** Test points of the output with their depth (subtests are indented by four); `diagnostics` of the point before. */
function* pointsOf(text) {
  let isDiagnostic = false
  for (const line of text.split('\n')) {
    if (/^\s*---$/.test(line)) isDiagnostic = true
    else if (/^\s*\.\.\.$/.test(line)) isDiagnostic = false
    else if (isDiagnostic) yield { kind: 'diagnostic', line }
    const [, indent, not, rest] = /^( *)(not )?ok\b(.*)$/.exec(line) ?? []
    const [, opening, name] = /^( *)# Subtest: (.*)/.exec(line) ?? []
    if (isDiagnostic) continue
    if (opening !== undefined) yield { kind: 'opening', depth: opening.length / 4, name }
    if (indent !== undefined) yield { kind: 'point', depth: indent.length / 4, isOk: not === undefined, rest }
  }
}

function count(text) {
  const totals = { passed: 0, failed: 0, skipped: [], failures: [] }
  /** Tests that have started but not ended, outermost first. */
  const open = []
  /** Of the failed assertion that was read last. */
  let diagnostics
  for (const { kind, depth, isOk, rest, name, line } of pointsOf(text)) {
    if (kind === 'diagnostic') {
      if (diagnostics !== undefined && diagnostics.length < DIAGNOSTIC_LINES) diagnostics.push(line)
      continue
    }
    diagnostics = undefined
    if (kind === 'opening') {
      if (open.length > 0) open.at(-1).hasTests = true
      open.push({ depth, name, hasTests: false, hasFailed: false, hasFailedAssertion: false })
      continue
    }
    if (/# (SKIP|TODO)\b/i.test(rest)) {
      totals.skipped.push(rest.trim())
      continue
    }
    const isTest = open.at(-1)?.depth === depth
    // A test that failed by an assertion or by one of its tests was repeated with that one.
    if (!isOk && !(isTest && (open.at(-1).hasFailed || open.at(-1).hasFailedAssertion))) {
      const path = open.map(test => test.name)
      diagnostics = []
      totals.failures.push({ title: [...path, ...(isTest ? [] : [rest.trim()])].join(' › '), diagnostics })
    }
    if (isTest) close(totals, open, isOk)
    else if (!isOk && open.length > 0) open.at(-1).hasFailedAssertion = true // which fails its test
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

function repeat(failures) {
  for (const { title, diagnostics } of failures.slice(0, REPEATED_FAILURES)) {
    console.log(`failed: ${title}`)
    for (const line of diagnostics) console.log(line.slice(0, 300))
  }
  if (failures.length > REPEATED_FAILURES) console.log(`and ${failures.length - REPEATED_FAILURES} more`)
}

function verdict({ passed, failed, skipped, failures: repeated }, status) {
  repeat(repeated)
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
