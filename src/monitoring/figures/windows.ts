import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/**
 * Counts and times over the last 1, 5 and 15 minutes, beside the metrics, which only ever grow: a scraper can take
 * differences of those, a page or a person with curl cannot.
 *
 * Times go into HDR histograms (Node's own, to two digits: a quantile is at most 1 % off), one a series and slot of ten
 * seconds. A slot that is over is added to its minute's; so quantiles of a window are those of all its times, never a
 * mean of quantiles. A window begins with a slot, or with a minute, that lies wholly in it, and says how long it is.
 */

/** What one slot keeps for charts when its times are gone. */
export interface Point {
  readonly count: (name: string) => number
  /** The highest that was seen. */
  readonly peak: (name: string) => number | null
  readonly spread: (name: string) => Spread
}

/** Milliseconds, to a tenth; null where nothing was. */
export interface Spread {
  readonly count: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly max: number | null
}

export interface Window {
  /** Really covered: less than asked for after a start. */
  readonly seconds: number
  count(name: string): number
  /** Of names that begin with this, without it. */
  counts(prefix: string): Record<string, number>
  /** The highest that was seen; null: nobody looked. */
  peak(name: string): number | null
  /** Of all these series together. */
  spread(...names: readonly string[]): Spread
}

export type WindowLength = '1m' | '5m' | '15m'

export interface WindowOptions {
  /** Milliseconds, on a clock that never goes back. */
  readonly now?: () => number
  /** What a point shows: by its name, the series that it is made of. */
  readonly charted?: Readonly<Record<string, readonly string[]>>
}

type Counts = Map<string, number>
type Times = Map<string, RecordableHistogram>

interface Slot {
  readonly start: number
  readonly counts: Counts
  readonly peaks: Counts
  readonly times: Times
}

interface ClosedSlot {
  readonly start: number
  readonly counts: Counts
  readonly peaks: Counts
  readonly spreads: ReadonlyMap<string, Spread>
}

export const slotMs = 10_000
const minuteMs = 60_000
const pointsKept = 90
const lengths: Readonly<Record<WindowLength, number>> = { '1m': minuteMs, '5m': 5 * minuteMs, '15m': 15 * minuteMs }

export type RollingWindows = ReturnType<typeof createRollingWindows>

/** Needs no timer: whoever comes first after a slot is over closes it, were it an hour later. */
export function createRollingWindows({ now = () => performance.now(), charted = {} }: WindowOptions = {}) {
  const startedAt = now()
  const spare: RecordableHistogram[] = []
  const sum = makeHistogram()
  let slot = openSlot(startedAt)
  let slotEnd = slot.start + slotMs
  let recent: Slot[] = []
  let minutes: Slot[] = []
  let points: ClosedSlot[] = []

  function add(name: string, amount = 1): void {
    const { counts } = present()
    counts.set(name, (counts.get(name) ?? 0) + amount)
  }

  function record(series: string, ms: number): void {
    const { times } = present()
    timesOf(times, series).record(microseconds(ms))
  }

  function peak(name: string, value: number): void {
    const { peaks } = present()
    raise(peaks, name, value)
  }

  function present(): Slot {
    const time = now()
    if (time >= slotEnd) close(time)
    return slot
  }

  function openSlot(time: number): Slot {
    return { start: floorTo(slotMs, time), counts: new Map(), times: new Map(), peaks: new Map() }
  }

  function close(time: number): void {
    const { start, counts, peaks, times } = slot
    const spreads = new Map(
      Object.entries(charted).map(([name, series]) => [name, spreadOf(series.flatMap(each => times.get(each) ?? []))]),
    )
    points.push({ start, counts, peaks, spreads })
    recent.push(slot)
    intoMinute(slot)
    slot = openSlot(time)
    slotEnd = slot.start + slotMs
    const drop = (slots: Slot[], before: number) => {
      for (const { start: old, times: gone } of slots) if (old < before) release(gone)
      return slots.filter(({ start: each }) => each >= before)
    }
    recent = drop(recent, slot.start - minuteMs)
    minutes = drop(minutes, floorTo(minuteMs, time) - lengths['15m'])
    points = points.filter(each => each.start >= slot.start - pointsKept * slotMs)
  }

  function intoMinute({ start, counts, peaks, times }: Slot): void {
    const minuteStart = floorTo(minuteMs, start)
    let minute = minutes.at(-1)
    if (minute?.start !== minuteStart)
      minutes.push((minute = { start: minuteStart, counts: new Map(), peaks: new Map(), times: new Map() }))
    for (const [name, count] of counts) minute.counts.set(name, (minute.counts.get(name) ?? 0) + count)
    for (const [name, value] of peaks) raise(minute.peaks, name, value)
    for (const [series, histogram] of times) timesOf(minute.times, series).add(histogram)
  }

  function timesOf(times: Times, series: string): RecordableHistogram {
    let histogram = times.get(series)
    if (histogram === undefined) times.set(series, (histogram = spare.pop() ?? makeHistogram()))
    return histogram
  }

  function release(times: Times): void {
    for (const histogram of times.values()) {
      histogram.reset()
      spare.push(histogram)
    }
  }

  function read(length: WindowLength): Window {
    present()
    const time = now()
    const [kept, unit] = length === '1m' ? [recent, slotMs] : [minutes, minuteMs]
    // What lies wholly in the window; the slot that is open lies in each.
    const from = -floorTo(unit, lengths[length] - time)
    const slots: readonly Slot[] = [...kept.filter(({ start }) => start >= from), slot]
    return {
      seconds: Math.round((time - Math.max(from, startedAt)) / 100) / 10,
      count: name => total(slots, name),
      counts(prefix) {
        const names = new Set(slots.flatMap(({ counts }) => [...counts.keys()].filter(name => name.startsWith(prefix))))
        return Object.fromEntries([...names].map(name => [name.slice(prefix.length), total(slots, name)]))
      },
      peak: name =>
        slots.reduce<number | null>(
          (most, { peaks }) => (peaks.has(name) ? Math.max(most ?? 0, peaks.get(name) ?? 0) : most),
          null,
        ),
      spread: (...names) => spreadOf(slots.flatMap(({ times }) => names.flatMap(name => times.get(name) ?? []))),
    }
  }

  function spreadOf(histograms: readonly RecordableHistogram[]): Spread {
    if (histograms.length === 0) return noTimes
    sum.reset()
    for (const histogram of histograms) sum.add(histogram)
    return {
      count: sum.count,
      p50: tenths(sum.percentile(50)),
      p95: tenths(sum.percentile(95)),
      p99: tenths(sum.percentile(99)),
      max: tenths(sum.max),
    }
  }

  /** Of the last 15 minutes that are over, oldest first; undefined: nothing at all was in that slot. `agoMs`: since the first began. */
  function chart(): { readonly agoMs: number; readonly points: readonly (Point | undefined)[] } {
    present()
    const first = Math.max(slot.start - pointsKept * slotMs, floorTo(slotMs, startedAt))
    const byStart = new Map(points.map(each => [each.start, each]))
    const starts = Array.from(
      { length: Math.round((slot.start - first) / slotMs) },
      (_, index) => first + index * slotMs,
    )
    return { agoMs: now() - first, points: starts.map(start => pointOf(byStart.get(start))) }
  }

  return { add, record, peak, read, chart, uptimeMs: () => now() - startedAt }
}

const noTimes: Spread = { count: 0, p50: null, p95: null, p99: null, max: null }

function pointOf(closed: ClosedSlot | undefined): Point | undefined {
  if (closed === undefined) return undefined
  const { counts, peaks, spreads } = closed
  return {
    count: name => counts.get(name) ?? 0,
    peak: name => peaks.get(name) ?? null,
    spread: name => spreads.get(name) ?? noTimes,
  }
}

function total(slots: readonly Slot[], name: string): number {
  return slots.reduce((sum, { counts }) => sum + (counts.get(name) ?? 0), 0)
}

function raise(peaks: Counts, name: string, value: number): void {
  if (value > (peaks.get(name) ?? -1)) peaks.set(name, value)
}

function floorTo(unit: number, time: number): number {
  return Math.floor(time / unit) * unit
}

/** No request may take longer. */
const longestUs = 600_000_000

/** 22 kB, of which a page or two are ever touched, for times lie near each other; 13 µs to make, 45 ns to record, 4 µs to add. */
function makeHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: longestUs, figures: 2 })
}

function microseconds(ms: number): number {
  return Math.min(longestUs, Math.max(1, Math.round(ms * 1000)))
}

function tenths(us: number): number {
  return Math.round(us / 100) / 10
}
