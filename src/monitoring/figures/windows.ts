import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/**
 * Counts and durations over the last 1, 5 and 15 minutes, and counts of the last seconds. Metrics only ever grow; a
 * scraper can take differences of them, but a page, a person with curl and a diagnosis cannot.
 *
 * Durations go into HDR histograms (Node's own, two significant digits: a quantile is at most 1 % off), one per series
 * and slot of ten seconds. A slot that has ended is added to its minute, so the quantiles of a window are computed from
 * all its values and never averaged. A window starts at a whole slot or minute, and reports its real length.
 */

/** What is stored of a slot for charts after its histograms were released. */
export interface Point {
  readonly count: (name: string) => number
  /** The highest value seen. */
  readonly peak: (name: string) => number | null
  readonly spread: (name: string) => Spread
}

/** In milliseconds, rounded to a tenth. Null if `count` is 0. */
export interface Spread {
  readonly count: number
  readonly p50: number | null
  readonly p95: number | null
  readonly p99: number | null
  readonly max: number | null
}

export interface Window {
  /** The time really covered: less than the window's length after a start. */
  readonly seconds: number
  count(name: string): number
  /** The counts whose names start with `prefix`, keyed by the rest of the name. */
  counts(prefix: string): Record<string, number>
  /** The highest value seen. Null if there was no sample. */
  peak(name: string): number | null
  /** The spread of all these series combined. */
  spread(...names: readonly string[]): Spread
}

export type WindowLength = '1m' | '5m' | '15m'

export interface WindowOptions {
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number
  /** The spreads to store per point: the series that each name combines. */
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

/** The counts of one second. */
interface Second {
  readonly number: number
  readonly counts: Counts
}

interface ClosedSlot {
  readonly start: number
  readonly counts: Counts
  readonly peaks: Counts
  readonly spreads: ReadonlyMap<string, Spread>
}

export const slotMs = 10_000
/** The period that `recent` covers. */
const recentSeconds = 10
const minuteMs = 60_000
const maxPoints = 90
const windowMs: Readonly<Record<WindowLength, number>> = { '1m': minuteMs, '5m': 5 * minuteMs, '15m': 15 * minuteMs }

export type RollingWindows = ReturnType<typeof createRollingWindows>

/** Needs no timer: the first call after a slot has ended closes it, even an hour later. */
export function createRollingWindows({ now = () => performance.now(), charted = {} }: WindowOptions = {}) {
  const startedAt = now()
  const { timesOf, release } = createHistogramPool()
  const spreadOf = createSpreads()
  const seconds = createSeconds()
  let slot = emptySlot(floorTo(slotMs, startedAt))
  let slotEnd = slot.start + slotMs
  let recentSlots: Slot[] = []
  let minutes: Slot[] = []
  let points: ClosedSlot[] = []

  function add(name: string, amount = 1): void {
    const time = now()
    count(slotAt(time).counts, name, amount)
    count(seconds.at(time), name, amount)
  }

  const recent = (name: string) => seconds.total(name, now())

  function record(series: string, ms: number): void {
    timesOf(slotAt(now()).times, series).record(microseconds(ms))
  }

  function peak(name: string, value: number): void {
    raise(slotAt(now()).peaks, name, value)
  }

  function slotAt(time: number): Slot {
    if (time >= slotEnd) close(time)
    return slot
  }

  function close(time: number): void {
    const { start, counts, peaks, times } = slot
    const spreads = new Map(
      Object.entries(charted).map(([name, series]) => [name, spreadOf(series.flatMap(each => times.get(each) ?? []))]),
    )
    points.push({ start, counts, peaks, spreads })
    recentSlots.push(slot)
    addToMinute(slot)
    slot = emptySlot(floorTo(slotMs, time))
    slotEnd = slot.start + slotMs
    recentSlots = withoutOlder(recentSlots, slot.start - minuteMs)
    minutes = withoutOlder(minutes, floorTo(minuteMs, time) - windowMs['15m'])
    points = points.filter(each => each.start >= slot.start - maxPoints * slotMs)
  }

  function withoutOlder(slots: Slot[], oldest: number): Slot[] {
    for (const { start, times } of slots) if (start < oldest) release(times)
    return slots.filter(({ start }) => start >= oldest)
  }

  function addToMinute({ start, counts, peaks, times }: Slot): void {
    const minuteStart = floorTo(minuteMs, start)
    let minute = minutes.at(-1)
    if (minute?.start !== minuteStart) minutes.push((minute = emptySlot(minuteStart)))
    for (const [name, amount] of counts) count(minute.counts, name, amount)
    for (const [name, value] of peaks) raise(minute.peaks, name, value)
    for (const [series, histogram] of times) timesOf(minute.times, series).add(histogram)
  }

  function read(length: WindowLength): Window {
    const time = now()
    slotAt(time)
    const [closed, unit] = length === '1m' ? [recentSlots, slotMs] : [minutes, minuteMs]
    // Only slots that lie wholly in the window, plus the open one.
    const from = -floorTo(unit, windowMs[length] - time)
    const slots: readonly Slot[] = [...closed.filter(({ start }) => start >= from), slot]
    return windowOf(slots, Math.round((time - Math.max(from, startedAt)) / 100) / 10, spreadOf)
  }

  /**
   * The closed slots of the last 15 minutes, oldest first. A point is undefined if nothing happened in its slot.
   * `agoMs` is the time since the first one started.
   */
  function chart(): { readonly agoMs: number; readonly points: readonly (Point | undefined)[] } {
    slotAt(now())
    const first = Math.max(slot.start - maxPoints * slotMs, floorTo(slotMs, startedAt))
    const byStart = new Map(points.map(each => [each.start, each]))
    const length = Math.round((slot.start - first) / slotMs)
    return {
      agoMs: now() - first,
      points: Array.from({ length }, (_, index) => pointOf(byStart.get(first + index * slotMs))),
    }
  }

  return {
    add,
    record,
    peak,
    read,
    recent,
    chart,
    uptimeMs: () => now() - startedAt,
  }
}

/** The counts of the last ten seconds and of the current one. */
function createSeconds() {
  let current: Second = { number: -Infinity, counts: new Map() }
  let seconds: Second[] = []

  function at(time: number): Counts {
    const number = Math.floor(time / 1000)
    if (number !== current.number) {
      current = { number, counts: new Map() }
      seconds = [...since(number - recentSeconds), current]
    }
    return current.counts
  }

  const since = (oldest: number) => seconds.filter(({ number }) => number >= oldest)
  return { at, total: (name: string, time: number) => total(since(Math.floor(time / 1000) - recentSeconds), name) }
}

function emptySlot(start: number): Slot {
  return { start, counts: new Map(), times: new Map(), peaks: new Map() }
}

/** Reuses the histograms of slots that have left all windows. */
function createHistogramPool() {
  const spare: RecordableHistogram[] = []

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

  return { timesOf, release }
}

type SpreadOf = (histograms: readonly RecordableHistogram[]) => Spread

/** Combines histograms into a spread. All calls use the same histogram for the sum. */
function createSpreads(): SpreadOf {
  const sum = makeHistogram()
  return histograms => {
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
}

function windowOf(slots: readonly Slot[], seconds: number, spreadOf: SpreadOf): Window {
  return {
    seconds,
    count: name => total(slots, name),
    counts(prefix) {
      const names = new Set(slots.flatMap(({ counts }) => [...counts.keys()].filter(name => name.startsWith(prefix))))
      return Object.fromEntries([...names].map(name => [name.slice(prefix.length), total(slots, name)]))
    },
    peak: name =>
      slots.reduce<number | null>(
        (highest, { peaks }) => (peaks.has(name) ? Math.max(highest ?? 0, peaks.get(name) ?? 0) : highest),
        null,
      ),
    spread: (...names) => spreadOf(slots.flatMap(({ times }) => names.flatMap(name => times.get(name) ?? []))),
  }
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

function count(counts: Counts, name: string, amount: number): void {
  counts.set(name, (counts.get(name) ?? 0) + amount)
}

function total(slots: readonly { readonly counts: Counts }[], name: string): number {
  return slots.reduce((sum, { counts }) => sum + (counts.get(name) ?? 0), 0)
}

function raise(peaks: Counts, name: string, value: number): void {
  if (value > (peaks.get(name) ?? -1)) peaks.set(name, value)
}

function floorTo(unit: number, time: number): number {
  return Math.floor(time / unit) * unit
}

/** No request may take longer: ten minutes. */
const longestUs = 600_000_000

/**
 * Takes 22 kB, of which only a page or two are ever touched because durations are close to each other. It costs 13 µs
 * to create, 45 ns to record a value, and 4 µs to add to another one.
 */
function makeHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: longestUs, figures: 2 })
}

function microseconds(ms: number): number {
  return Math.min(longestUs, Math.max(1, Math.round(ms * 1000)))
}

function tenths(us: number): number {
  return Math.round(us / 100) / 10
}
