import type { Played } from './terms.ts'
import type { Verdict } from './verdicts.ts'

/** Columns as wide as their widest cell; the first to the left, the others to the right. */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...lines.map(line => line[column]!.length)))
  return lines
    .map(line =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** A row an attack: how often it was played, how long that took, and what was said to it. */
export function attacksTable(played: readonly Played[]): string {
  const rows = [...Map.groupBy(played, ({ name }) => name)].map(([name, those]) => {
    const longest = Math.max(...those.map(({ ms }) => ms))
    return [name, String(those.length), `${(longest / 1000).toFixed(1)} s`, repliesOf(those)]
  })
  return tableOf(['attack', 'played', 'longest', 'replies'], rows)
}

/** As `200 × 12, 503 × 1`. */
export function repliesOf(played: readonly Played[]): string {
  const sums = new Map<string, number>()
  for (const { replies } of played)
    for (const [outcome, count] of Object.entries(replies)) sums.set(outcome, (sums.get(outcome) ?? 0) + count)
  return (
    [...sums]
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([outcome, count]) => `${outcome} × ${count}`)
      .join(', ') || '–'
  )
}

/** As tests, so that CI counts them with the others. What is only shown passes and says so. */
export function tapOf(verdicts: readonly Verdict[], isTimeAsserted: boolean): string {
  const tests = verdicts.map(({ name, isMet, isTimed = false, detail }, nth) => {
    const isShown = isTimed && !isTimeAsserted
    const not = isMet || isShown ? '' : 'not '
    const note = isShown ? ' (shown, not asserted)' : ''
    return [
      `# Subtest: ${name}`,
      ...detail.split('\n').map(line => `    # ${line}`),
      `    ${not}ok 1 - it holds${note}`,
      '    1..1',
      `${not}ok ${nth + 1} - ${name}${note}`,
    ].join('\n')
  })
  return ['TAP version 14', ...tests, `1..${verdicts.length}`].join('\n')
}
