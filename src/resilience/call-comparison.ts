/** How long calls took, and among how many. */
export interface CallTimes {
  readonly ms: number
  /** Calls in flight when it was sent, itself included. */
  readonly inFlight: number
}

export interface CallComparison {
  readonly few: CallTimes
  readonly many: CallTimes
  /** The power of the number of calls with which their time grows: about 1 in a queue, 0 with a server that is slow. */
  readonly power: number
  /** Its standard error: answers differ in length. */
  readonly error: number
}

/** With fewer calls, nothing is concluded. */
export const leastSamples = 4
/** With a smaller difference, nothing is compared. */
const leastContrast = 1.3

/**
 * Compares the third of the calls that were sent among the fewest others with the third that was sent among the most.
 * Null if these numbers do not differ enough.
 */
export function compareCalls(samples: readonly CallTimes[]): CallComparison | null {
  const third = Math.max(leastSamples, Math.floor(samples.length / 3))
  if (samples.length < 2 * third) return null
  const sorted = samples.toSorted((a, b) => a.inFlight - b.inFlight)
  const [fewest, most] = [sorted.slice(0, third), sorted.slice(-third)]
  const [few, many] = [meanOf(fewest), meanOf(most)]
  if (many.inFlight < leastContrast * few.inFlight) return null
  const [a, b] = [spreadOf(fewest), spreadOf(most)]
  const range = Math.log(many.inFlight / few.inFlight)
  return { few, many, power: (b.mean - a.mean) / range, error: Math.sqrt(a.variance + b.variance) / range }
}

export function meanOf(samples: readonly CallTimes[]): CallTimes {
  const sum = (pick: (sample: CallTimes) => number) => samples.reduce((total, sample) => total + pick(sample), 0)
  const count = Math.max(1, samples.length)
  return { ms: sum(sample => sample.ms) / count, inFlight: sum(sample => sample.inFlight) / count }
}

/** Mean of the logarithms of times, and the variance of that mean. */
function spreadOf(samples: readonly CallTimes[]): { readonly mean: number; readonly variance: number } {
  const logs = samples.map(({ ms }) => Math.log(Math.max(ms, 0.01)))
  const mean = logs.reduce((sum, each) => sum + each, 0) / logs.length
  const squares = logs.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return { mean, variance: squares / (logs.length - 1) / logs.length }
}
