import type { DropReason, GroundingOutcome } from '../ask/terms/run.ts'
import type { Subscriber } from '../events.ts'
import type { Kit } from './kit.ts'

const outcomes: readonly GroundingOutcome[] = ['kept', 'trimmed', 'replaced', 'refused', 'shown']
const dropReasons: readonly DropReason[] = [
  'number',
  'date',
  'code',
  'name',
  'arithmetic',
  'elsewhere',
  'negation',
  'words',
  'clause',
  'language',
  'checker',
  'question',
  'repetition',
  'passages',
  'unfinished',
]

/** The check of what the language model writes. */
export function groundingMetrics(kit: Kit): Subscriber {
  const drafts = kit.counter(
    'grounding_drafts_total',
    'Drafts of the language model by what the check left of them: kept, trimmed, replaced by quotations, refused (it says that the passages do not answer), shown (streamed before the check).',
    { outcome: outcomes },
  )
  const droppedSentences = kit.counter(
    'grounding_dropped_total',
    'Sentences of the language model that the passages do not support, by reason.',
    { reason: dropReasons },
  )
  const firstSentence = kit.histogram(
    'first_sentence_seconds',
    'Time from asking the language model to the first sentence that was checked.',
  )()
  return {
    draftGrounded(outcome, reasons) {
      drafts(outcome).add()
      for (const reason of reasons) droppedSentences(reason).add()
    },
    sentenceReady: (took, traceId) => firstSentence.observe(took, traceId),
  }
}
