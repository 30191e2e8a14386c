import { isDoubtful } from '../abstention/gate.ts'
import { cite } from '../generation/cite.ts'
import type { Completion } from '../generation/generate.ts'
import type { Extracted } from '../generation/quotes.ts'
import type { Judgement } from '../terms/evidence.ts'
import type { Citation, Passage } from '../terms/passage.ts'
import type { AnalyzedQuestion } from '../terms/question.ts'
import type { DropReason, GroundingNote, GroundingOutcome, Run } from '../terms/run.ts'
import { createGrounder, type Grounded, type SupportChecker } from './ground.ts'
import type { Strictness } from './check.ts'

/** How the drafts of a language model are checked. */
export interface Grounding {
  readonly strictness: Strictness
  /** False: a stream shows tokens at once, and what is wrong with them is only reported. */
  readonly checksStreams: boolean
  /** A checker for one run, within its deadline; undefined where none is set. */
  readonly checkerFor: (run: Run) => SupportChecker | undefined
  readonly events: GroundingEvents
  /** Reports the time of the check as a stage. */
  readonly record: (ms: number, run: Run) => void
}

export interface GroundingEvents {
  /** A draft was checked. `reasons`: one per sentence that was taken away. */
  readonly draftGrounded: (outcome: GroundingOutcome, reasons: readonly DropReason[]) => void
  /** The first checked sentence could be shown, this many seconds after the model was asked. */
  readonly sentenceReady: (seconds: number, traceId?: string) => void
}

export interface ToGround {
  readonly asked: AnalyzedQuestion
  readonly passages: readonly Passage[]
  readonly judge: (quoted: Extracted) => Judgement
  /** The sentences that would be quoted without a language model. */
  readonly extract: () => Promise<Extracted>
}

/** What is left of a completion. */
export interface GroundedCompletion {
  readonly outcome: GroundingOutcome
  /** Shown to the caller in the end. */
  readonly text: string
  /** What a stream has not been given yet. */
  readonly rest: string
}

/** With a smaller share of its words left, a draft is no answer. */
const leastShare = 0.5

/** Checks one draft as it arrives; `push` and `end` return what a stream may show. */
export function openGrounding(
  { strictness, checksStreams, checkerFor, events, record }: Grounding,
  request: ToGround,
  run: Run,
) {
  const { asked, passages } = request
  const language = asked.language
  const question = asked.standalone ?? asked.text
  const grounder = createGrounder({ passages, question, language, strictness, checker: checkerFor(run) })
  // While the model reads its prompt.
  const preparing = setImmediate(() => grounder.prepare())
  run.signal.addEventListener('abort', () => clearImmediate(preparing), { once: true })
  const startedAt = performance.now()
  const isOpen = run.isStreamed && !checksStreams
  const raw: string[] = []
  let [held, ms] = ['', 0]
  const shown = { isReleased: false }

  async function timed<T>(work: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      return await work()
    } finally {
      ms += performance.now() - began
    }
  }

  async function release(): Promise<string> {
    if (held === '' || (!shown.isReleased && !(await isTrusted(grounder.soFar(), request)))) return ''
    if (!shown.isReleased) events.sentenceReady((performance.now() - startedAt) / 1000)
    shown.isReleased = true
    const text = held
    held = ''
    return text
  }

  async function push(text: string): Promise<string> {
    if (isOpen) {
      raw.push(text)
      return text
    }
    return await timed(async () => {
      const checked = await grounder.push(text)
      held += checked
      // Most tokens end no sentence, and judging takes longer than checking.
      return run.isStreamed && checked !== '' ? await release() : ''
    })
  }

  async function end({ isTruncated, text }: Pick<Completion, 'text' | 'isTruncated'>): Promise<GroundedCompletion> {
    const { grounded, outcome } = await timed(async () => {
      if (isOpen) await grounder.push(raw.join(''))
      const grounded = await grounder.end(isTruncated === true)
      return { grounded, outcome: isOpen ? openOutcome(grounded) : await outcomeOf(grounded) }
    })
    held += grounded.rest
    report(grounded, outcome)
    if (isOpen) return { outcome, text, rest: '' }
    return { outcome, text: grounded.text, rest: held }
  }

  async function outcomeOf(grounded: Grounded): Promise<GroundingOutcome> {
    const { keptCount, keptShare, dropped, isRefusal } = grounded
    if (!shown.isReleased) {
      if (isRefusal) return 'refused'
      if (keptCount === 0 || keptShare < leastShare || !(await isTrusted(grounded, request))) return 'replaced'
      events.sentenceReady((performance.now() - startedAt) / 1000)
    }
    return dropped.length > 0 ? 'trimmed' : 'kept'
  }

  function report({ keptCount, dropped, markersAdded, markersRemoved }: Grounded, outcome: GroundingOutcome): void {
    const note: GroundingNote = { outcome, keptCount, dropped, markersAdded, markersRemoved, ms }
    run.explain?.({ grounding: note })
    const reasons = dropped.map(({ reason }) => reason)
    events.draftGrounded(outcome, reasons)
    record(ms, run)
    if (outcome === 'kept') return
    const fields = { outcome, kept: keptCount, dropped: reasons }
    run.log[outcome === 'replaced' || outcome === 'shown' ? 'warn' : 'debug'](fields, messages[outcome])
  }

  return { push, end }
}

const messages: Readonly<Record<Exclude<GroundingOutcome, 'kept'>, string>> = {
  trimmed: 'sentences of the model are not in the passages: left out',
  replaced: 'the model wrote what the passages do not say: answering with quoted sentences',
  refused: 'the model says that the passages do not answer',
  shown: 'the model wrote what the passages do not say, and it was streamed unchecked (STREAM_CHECK=off)',
}

/**
 * A draft whose sentences are all supported and cited by the model itself is trusted. One without its own citations is
 * judged as quotations are: it may be true, and not answer the question. One that lost a sentence must also rest on what
 * would be quoted.
 */
async function isTrusted(grounded: Grounded, { asked, passages, judge, extract }: ToGround): Promise<boolean> {
  const { language } = asked
  if (grounded.isSelfCited || !passages.some(passage => passage.language === language)) return true
  const citations = cite(grounded.text, passages, language)
  if (isDoubtful(judge({ text: grounded.text, citations }))) return false
  return !grounded.isTrimmed || sharesWith(citations, (await extract()).citations)
}

/** A stream that showed everything cannot take anything back. */
function openOutcome({ dropped, keptCount }: Grounded): GroundingOutcome {
  return dropped.length > 0 || keptCount === 0 ? 'shown' : 'kept'
}

/** Whether two answers quote a part of the same text; there may be nothing to quote. */
function sharesWith(citations: readonly Citation[], quoted: readonly Citation[]): boolean {
  if (quoted.length === 0) return true
  return citations.some(a => quoted.some(b => a.documentId === b.documentId && a.start < b.end && b.start < a.end))
}
