import { isAskError, isOutage } from '../../errors.ts'
import { replay } from './replay.ts'
import type { Answer, AskEvent, Degraded } from '../terms.ts'

/**
 * The same events, or instead of them an answer made before: when the run fails for no fault of the question's, or its
 * model fails and quotes would have to do. Only as long as nothing was shown; `passages` are held back until then.
 * `before` is asked for it with what is amiss; null: there is none.
 */
export async function* orBefore(
  events: AsyncIterable<AskEvent>,
  before: (amiss: Degraded) => Answer | null,
  signal: AbortSignal,
): AsyncGenerator<AskEvent, void> {
  let held: AskEvent | null = null
  let isShown = false
  try {
    for await (const event of events) {
      if (event.type === 'passages' && !isShown) {
        held = event
        continue
      }
      const better = event.type === 'delta' && event.isMakeshift && !isShown ? before('generation') : null
      if (better) return yield* replay(better)
      if (held) yield held
      held = null
      isShown = true
      yield event
    }
  } catch (error) {
    const better = isShown || signal.aborted || !isOutage(error) ? null : before(amissBy(error))
    if (!better) throw error
    yield* replay(better)
  }
}

function amissBy(error: unknown): Degraded {
  if (isAskError(error, 'overloaded')) return 'capacity'
  return isAskError(error) && error.code.startsWith('model_') ? 'generation' : 'database'
}
