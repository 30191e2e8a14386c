import { isAskError, type AskError } from '../../errors.ts'
import { modelFaults, type ModelFault } from '../../faults.ts'
import type { Ended } from '../../resilience/guard.ts'

/** A caller that waited less than this learns nothing from the missing reply. */
const leastPatienceMs = 500

/** Null when the call succeeded. Undefined when nothing can be concluded, as when the caller left. */
export function modelFault({ error, hasBegun, quietMs, verdict }: Ended): ModelFault | null | undefined {
  if (error === undefined) return verdict === 'fault' ? 'slow' : null
  if (!isAskError(error)) return undefined
  if (error.code === 'deadline_exceeded') {
    // Chunks that arrived until the end make it slow, not stalled.
    if (quietMs >= leastPatienceMs) return hasBegun ? 'stalled' : 'silent'
    return hasBegun ? 'slow' : undefined
  }
  return faultOf(error, hasBegun)
}

function faultOf({ code, kind }: AskError, hasBegun: boolean): ModelFault | undefined {
  if (code === 'model_unreachable') return 'unreachable'
  if (code === 'model_busy') return 'busy'
  if (code === 'model_rejected') return 'rejected'
  if (code !== 'model_failed') return undefined
  return hasBegun ? 'broken_off' : (modelFaults.find(each => each === kind) ?? 'failed')
}
