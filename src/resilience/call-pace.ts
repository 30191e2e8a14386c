import { leastSamples, meanOf, type CallTimes } from './call-comparison.ts'
import type { Clock } from './deadline.ts'

/** A call that succeeded, or was cut off after a time in which it should have. */
interface Sample extends CallTimes {
  readonly endedAt: number
}

const recentSamples = 16
/** Calls that all take so many times longer than any before, or less, are of a server that has changed. */
const changeFactor = 1.5

/** The latest calls: what to expect of the next ones. */
export function createCallPace({ now }: Pick<Clock, 'now'>) {
  let recent: Sample[] = []

  function add(times: CallTimes): void {
    recent = [...recent, { ...times, endedAt: now() }].slice(-recentSamples)
  }

  /** With fewer calls, nothing is concluded. */
  function isKnown(): boolean {
    return recent.length >= leastSamples
  }

  function mean(): CallTimes {
    return meanOf(recent)
  }

  /** The quickest of the latest: a server that is quick again is believed at once. */
  function quickestMs(): number {
    return Math.min(...recent.slice(-leastSamples).map(({ ms }) => ms))
  }

  /** Each of the latest calls took much longer than all before that were sent among as many, or less. */
  function hasChanged(): boolean {
    if (recent.length < 2 * leastSamples) return false
    const each = recent.map(({ ms, inFlight }) => ms / inFlight)
    const [before, latest] = [each.slice(0, -leastSamples), each.slice(-leastSamples)]
    return (
      Math.min(...latest) > changeFactor * Math.max(...before) ||
      Math.max(...latest) * changeFactor < Math.min(...before)
    )
  }

  /** Time between two replies of a server in which calls wait: by two estimates, of which the quicker one is believed. */
  function gapMs(): number {
    const { ms, inFlight } = mean()
    const [first] = recent as [Sample, ...Sample[]] // there are some, or no queue would be known
    // Calls that began together may end together. Of the first calls it is known when the server began to work on them.
    const isFirst = recent.length < recentSamples || recent.at(-1)!.endedAt === first.endedAt
    const since = isFirst ? first.endedAt - first.ms : first.endedAt
    const later = recent.filter(({ endedAt }) => endedAt > since).length
    // That no call has ended for the time of one is no news.
    const until = Math.max(recent.at(-1)!.endedAt, now() - ms)
    // Little's law: the pace is the number in flight over the time that each of them takes.
    return Math.min(ms / inFlight, (until - since) / Math.max(1, later))
  }

  return { add, isKnown, mean, quickestMs, hasChanged, gapMs }
}
