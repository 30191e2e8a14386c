import type { ChildEnd } from './process.ts'
import type { Exceeded } from './watch.ts'

/**
 * Why a task has no result. `cpu`, `memory`: it took more than it may. `failed`: the program threw, or ended itself.
 * `gone`: the child was killed from outside, could not be started or did nothing; another try may go well.
 */
export interface Loss {
  readonly by: 'cpu' | 'memory' | 'failed' | 'gone'
  readonly reason: string
}

export interface Lost {
  /** What it was ended for by us. */
  readonly exceeded: Exceeded | undefined
  /** Its program had begun. */
  readonly isReady: boolean
}

/** Of a child that has ended at its work. */
export function lossOf({ code, signal, words }: ChildEnd, { exceeded, isReady }: Lost): Loss {
  if (exceeded === 'cpu' || exceeded === 'memory')
    return { by: exceeded, reason: exceeded === 'cpu' ? 'it took too much processor time' : 'it took too much memory' }
  if (exceeded === 'stalled') return { by: 'gone', reason: 'it did nothing for too long' }
  if (isHeapFull(words)) return { by: 'memory', reason: 'its heap was full' }
  const reason = `it ended with ${signal ?? `code ${code}`}${words === '' ? '' : `: ${words.trim().slice(-500)}`}`
  return { by: signal === null && isReady ? 'failed' : 'gone', reason }
}

/** Of what the program threw. A string, array or map that would be too long for V8 is memory without end as well. */
export function failureOf(reason: string): Loss {
  const isTooMuch =
    /^RangeError: (?:Invalid (?:string|array|typed array) length|Map maximum|Set maximum|Array buffer allocation|Cannot create a string)/.test(
      reason,
    )
  return { by: isTooMuch ? 'memory' : 'failed', reason }
}

/** V8 ends the process when its heap, one array or one table would grow too large, and says so. */
function isHeapFull(words: string): boolean {
  return /FATAL ERROR: .*(?:out of memory|Allocation failed|[Ii]nvalid (?:array|table|string|size))/.test(words)
}
