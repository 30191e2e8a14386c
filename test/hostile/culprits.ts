import type { Asked } from '../support/load.ts'
import type { PlayTimes } from './foe.ts'
import { tableOf } from './table.ts'
import { quantile, type Stretch } from './verdicts.ts'

/** Slower than this many times the quiet p99 is what the verdict on time is about. */
const mostSlower = 3

/**
 * Which attacks were under way while honest questions were slow: of each, the share of slow questions that it overlapped
 * and the share of all questions under attack. A culprit overlaps far more of the slow ones.
 */
export function culpritTable(stretches: readonly Stretch[], history: readonly PlayTimes[]): string {
  const quiet = stretches.filter(each => !each.isAttacked).flatMap(({ asked }) => asked.map(({ ms }) => ms))
  const attacked = stretches.filter(each => each.isAttacked).flatMap(({ asked }) => asked)
  const slow = attacked.filter(({ ms }) => ms > mostSlower * quantile(quiet, 0.99))
  if (slow.length === 0) return 'no honest question was slow'
  const rows = [...Map.groupBy(history, ({ name }) => name)]
    .map(([name, plays]) => ({ name, ofSlow: shareOf(slow, plays), ofAll: shareOf(attacked, plays) }))
    .filter(({ ofSlow }) => ofSlow > 0)
    .toSorted((a, b) => b.ofSlow / b.ofAll - a.ofSlow / a.ofAll)
    .map(({ name, ofSlow, ofAll }) => [name, percent(ofSlow), percent(ofAll)])
  return `${slow.length} slow honest questions; ${stagesOf(slow)}\n${tableOf(['attack under way', 'of the slow', 'of all'], rows)}`
}

/** Where the time of slow questions went: mean milliseconds by stage, and outside of the service's own clock. */
function stagesOf(asked: readonly Asked[]): string {
  const sums: Record<string, number> = { outside: 0 }
  for (const { ms, timings = {} } of asked) {
    for (const [stage, each] of Object.entries(timings)) sums[stage] = (sums[stage] ?? 0) + each
    sums['outside'] = (sums['outside'] ?? 0) + ms - (timings['total'] ?? 0)
  }
  const means = Object.entries(sums).map(([stage, sum]) => `${stage} ${(sum / asked.length).toFixed(0)}`)
  return `mean ms: ${means.join(', ')}`
}

function shareOf(asked: readonly Asked[], plays: readonly PlayTimes[]): number {
  const overlapped = asked.filter(({ at, ms }) => plays.some(({ from, to }) => from < at + ms && to > at))
  return overlapped.length / asked.length
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
