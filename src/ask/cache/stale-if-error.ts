import { isAskError, isOutage } from '../../errors.ts'
import { replay } from './replay.ts'
import type { Answer, AskEvent, Degraded } from '../terms/answer.ts'

/**
 * Yields the events, or an expired answer in their place when the run fails through no fault of the question, or when
 * there is no model's text and only quotes are left. Only possible while nothing was shown, so `passages` is held back until
 * then. `staleAnswer` gets the part that failed; it returns null when there is no such answer.
 */
export async function* staleIfError(
  events: AsyncIterable<AskEvent>,
  staleAnswer: (degraded: Degraded) => Answer | null,
  signal: AbortSignal,
): AsyncGenerator<AskEvent, void> {
  let heldPassages: AskEvent | null = null
  let isShown = false
  try {
    for await (const event of events) {
      if (event.type === 'passages' && !isShown) {
        heldPassages = event
        continue
      }
      const better = event.type === 'delta' && event.insteadOf && !isShown ? staleAnswer(event.insteadOf) : null
      if (better) return yield* replay(better)
      if (heldPassages) yield heldPassages
      heldPassages = null
      isShown = true
      yield event
    }
  } catch (error) {
    const better = isShown || signal.aborted || !isOutage(error) ? null : staleAnswer(degradedBy(error))
    if (!better) throw error
    yield* replay(better)
  }
}

function degradedBy(error: unknown): Degraded {
  if (isAskError(error, 'overloaded')) return 'capacity'
  return isAskError(error) && error.code.startsWith('model_') ? 'generation' : 'database'
}
