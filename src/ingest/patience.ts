import type { LoadingCall } from '../ask/retrieval/embedder.ts'

/**
 * Waits for a busy model once something is embedded: a caller whose first text is rejected is better told to come again
 * than kept waiting, and one that is in the middle would lose its work.
 */
export function patientOnceBegun(ms: number): LoadingCall {
  let hasBegun = false
  return {
    get patienceMs() {
      return hasBegun ? ms : 0
    },
    onEmbedded() {
      hasBegun = true
    },
  }
}
