import type { ChildEnd } from './process.ts'
import type { Exceeded } from './watch.ts'

/**
 * Why a task has no result.
 * - `cpu`, `memory`: it exceeded its limit.
 * - `failed`: the program threw, or exited by itself.
 * - `gone`: the child was killed from outside, could not be started or made no progress; a retry may succeed.
 */
export interface Loss {
  readonly by: 'cpu' | 'memory' | 'failed' | 'gone'
  readonly reason: string
}

export interface Lost {
  /** The limit for which we killed it, if any. */
  readonly exceeded: Exceeded | undefined
  /** Whether its program had started. */
  readonly isReady: boolean
}

/** The loss of a task whose child ended while working on it. */
export function lossOf({ code, signal, stderr }: ChildEnd, { exceeded, isReady }: Lost): Loss {
  if (exceeded === 'cpu' || exceeded === 'memory')
    return {
      by: exceeded,
      reason: exceeded === 'cpu' ? 'it exceeded its CPU time limit' : 'it exceeded its memory limit',
    }
  if (exceeded === 'stalled') return { by: 'gone', reason: 'it made no progress for too long' }
  if (isHeapFull(stderr)) return { by: 'memory', reason: 'its heap was full' }
  const reason = `it ended with ${signal ?? `code ${code}`}${stderr === '' ? '' : `: ${stderr.trim().slice(-500)}`}`
  return { by: signal === null && isReady ? 'failed' : 'gone', reason }
}

/**
 * The loss of a task whose program threw. Exceeding V8's length limit of a string, array or map counts as unbounded
 * memory too.
 */
export function failureOf(reason: string): Loss {
  const isTooLarge =
    /^RangeError: (?:Invalid (?:string|array|typed array) length|Map maximum|Set maximum|Array buffer allocation|Cannot create a string)/.test(
      reason,
    )
  return { by: isTooLarge ? 'memory' : 'failed', reason }
}

/** V8 aborts the process with a message when its heap, one array or one table would grow too large. */
function isHeapFull(stderr: string): boolean {
  return /FATAL ERROR: .*(?:out of memory|Allocation failed|[Ii]nvalid (?:array|table|string|size))/.test(stderr)
}
