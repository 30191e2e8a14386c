import { isAskError, type AskError } from '../../errors.ts'
import type { Ended } from '../../resilience/guard.ts'

/**
 * How a model failed, in the terms an operator would look for. Values are metric labels.
 * - `busy`: 429.
 * - `rejected`: it does not accept what is sent, including the key.
 * - `silent`: no reply before the timeout.
 * - `stalled`, `broken_off`: nothing followed the first words.
 * - `paused`: not called because of earlier failures.
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
