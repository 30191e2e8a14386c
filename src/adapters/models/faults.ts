import { isAskError, type AskError } from '../../errors.ts'
import type { Ended } from '../../resilience/guard.ts'

/**
 * In what way a model failed, as an operator would look for it; labels of metrics. `busy`: 429; `rejected`: it does not
 * take what is sent, the key included; `silent`: nothing came in time; `stalled` and `broken_off`: nothing more came after
 * its first words; `paused`: not asked, because of what was before.
 */
export const modelFaults = [
  'unreachable',
  'hung_up',
  'failed',
  'busy',
  'rejected',
  'silent',
  'slow',
  'stalled',
  'broken_off',
  'garbage',
  'wrong_dimensions',
  'paused',
] as const
export type ModelFault = (typeof modelFaults)[number]

/** Who gave it less time than this learns nothing from its silence. */
const leastPatienceMs = 500

/** Null: it went well. Undefined: it cannot be said, as of one whose caller left. */
export function modelFault({ error, hasBegun, quietMs, verdict }: Ended): ModelFault | null | undefined {
  if (error === undefined) return verdict === 'fault' ? 'slow' : null
  if (!isAskError(error)) return undefined
  if (error.code === 'deadline_exceeded') {
    // Words that came to the last are slow ones.
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
