import { callsMade, isAskError, isOverBudget, loudness, type AskError } from '../../errors.ts'
import { cite } from './cite.ts'
import { isDoubtful } from '../abstention/gate.ts'
import { openGrounding, type GroundedCompletion, type Grounding } from '../grounding/session.ts'
import type { Extracted } from './quotes.ts'
import type { Completion, CompletionEvent, AnswerRequest } from './generate.ts'
import type { Stage, StreamStage } from '../stage.ts'
import type { AskEvent, Degraded } from '../terms/answer.ts'
import type { CacheNote } from '../terms/caching.ts'
import type { Judgement } from '../terms/evidence.ts'
import type { Citation } from '../terms/passage.ts'
import type { Run } from '../terms/run.ts'
import { noUsage, type Usage } from '../terms/usage.ts'

export interface AnswerSteps {
  /** Null when no language model is configured: answers are then quoted sentences. */
  readonly generate: StreamStage<AnswerRequest, CompletionEvent> | null
  readonly extract: Stage<AnswerRequest, Extracted>
  /** Null when what the model writes is not checked. */
  readonly ground: Grounding | null
  /** Name of the language model. */
  readonly model: string | null
  /**
   * Minimum time withheld from the model, in milliseconds, so that a quoted answer is still possible when the model
   * times out.
   */
  readonly reserveMs: number
}

export interface WrittenAnswer {
  readonly text: string
  readonly citations: readonly Citation[]
  readonly isAbstained: boolean
  /** How quotations were judged; null for a model's text, and when no sentence was found. */
  readonly judged: Judgement | null
  readonly generator: 'llm' | 'extractive'
  readonly model: string | null
  readonly usage: Usage
  readonly degraded: readonly Degraded[]
  readonly isTruncated?: true
  /** `miss`, unless the completion was cached. */
  readonly cache: CacheNote
}

export interface WriteRequest extends AnswerRequest {
  /** The gate for quotations: sentences are always found, whether they answer or not. */
  readonly judge: (quoted: Extracted) => Judgement
}

const miss: CacheNote = { status: 'miss' }
const withoutModel: Pick<WrittenAnswer, 'degraded' | 'usage'> = { degraded: [], usage: noUsage }

/**
 * Streams the model's text, or quotes sentences when there is no model. A model that fails is replaced by quotes only
 * while nothing final was shown. A stream that breaks off later throws, so it never looks complete.
 */
export async function* writeAnswer(
  steps: AnswerSteps,
  request: WriteRequest,
  run: Run,
): AsyncGenerator<AskEvent, WrittenAnswer> {
  if (!steps.generate) return yield* quote(steps, request, run, withoutModel)
  const shown = { any: false }
  try {
    const { completion, grounded } = yield* draft(steps.generate, steps, { request, run, shown })
    if (grounded?.outcome === 'replaced') return yield* quote(steps, request, run, ungrounded(completion))
    return yield* completed(steps, grounded ? afterGrounding(completion, grounded) : completion, request, run)
  } catch (error) {
    if (shown.any || run.signal.aborted || !isAskError(error) || !isModelFault(error)) throw error
    run.log[loudness(error)](
      { code: error.code, err: error.cause ?? error },
      'the model failed: answering with quoted sentences',
    )
    return yield* quote(steps, request, run, {
      degraded: [isOverBudget(error) ? 'budget' : 'generation'],
      usage: { ...noUsage, llmCalls: callsMade(error) },
    })
  }
}

interface Drafting {
  readonly request: WriteRequest
  readonly run: Run
  /** Whether anything was shown, which cannot be taken back. */
  readonly shown: { any: boolean }
}

interface Draft {
  readonly completion: Completion
  /** Null when it was not checked. */
  readonly grounded: GroundedCompletion | null
}

/** The model's completion, checked while it arrives; a stream is given what may be shown of it. */
async function* draft(
  generate: NonNullable<AnswerSteps['generate']>,
  steps: AnswerSteps,
  { request, run, shown }: Drafting,
): AsyncGenerator<AskEvent, Draft> {
  let extracted: Promise<Extracted> | undefined
  const extract = async () => await (extracted ??= steps.extract(request, run))
  const grounding = steps.ground && openGrounding(steps.ground, { ...request, extract }, run)
  let completion: Completion | undefined
  for await (const event of generate(request, { ...run, deadline: run.deadline - reserveOf(steps, run) })) {
    if (event.type === 'end') completion = event.completion
    else yield* show(grounding ? await grounding.push(event.text) : event.text)
  }
  const whole = completion as Completion
  const grounded = grounding === null || whole.abstained ? null : await grounding.end(whole)
  if (grounded && grounded.outcome !== 'refused' && grounded.outcome !== 'replaced') yield* show(grounded.rest)
  return { completion: whole, grounded }

  function* show(text: string): Generator<AskEvent, void> {
    if (!run.isStreamed || text === '') return
    shown.any = true
    yield { type: 'delta', text }
  }
}

/** What is left of a completion: an abstention where it only says that the passages do not answer. */
function afterGrounding(completion: Completion, { outcome, text }: GroundedCompletion): CheckedCompletion {
  const degraded: readonly Degraded[] = outcome === 'shown' ? ['grounding'] : []
  return { ...completion, text, degraded, abstained: outcome === 'refused' }
}

interface CheckedCompletion extends Completion {
  readonly degraded?: readonly Degraded[]
}

function ungrounded({ usage }: Completion): Pick<WrittenAnswer, 'degraded' | 'usage'> {
  return { degraded: ['grounding'], usage }
}

/**
 * Share of the remaining time to withhold, if more than the minimum: on a busy machine quoting has to wait for CPU too.
 */
const reserveShare = 0.15
const maxReserveMs = 1000

function reserveOf({ reserveMs }: AnswerSteps, { deadline }: Run): number {
  return Math.max(reserveMs, Math.min(maxReserveMs, (deadline - performance.now()) * reserveShare))
}

async function* completed(
  { model }: AnswerSteps,
  completion: CheckedCompletion,
  { asked, passages }: AnswerRequest,
  run: Run,
): AsyncGenerator<AskEvent, WrittenAnswer> {
  const { text, usage, abstained, degraded = [], cache = miss, isTruncated } = completion
  if (!run.isStreamed && !abstained) yield { type: 'delta', text }
  const citations = abstained ? [] : cite(text, passages, asked.language)
  const written = { text, citations, isAbstained: abstained, judged: null, model, usage, degraded, cache }
  return { ...written, generator: 'llm', ...(isTruncated && { isTruncated }) }
}

async function* quote(
  steps: AnswerSteps,
  request: WriteRequest,
  run: Run,
  { degraded, usage }: Pick<WrittenAnswer, 'degraded' | 'usage'>,
): AsyncGenerator<AskEvent, WrittenAnswer> {
  const quoted = await steps.extract(request, run)
  const { text, citations } = quoted
  const judged = text === '' ? null : request.judge(quoted)
  const isAbstained = judged === null || isDoubtful(judged)
  const [insteadOf] = degraded
  // What was written and is wrong would be wrong in a cached answer, too.
  const isMissing = insteadOf !== undefined && insteadOf !== 'grounding'
  if (!isAbstained) yield { type: 'delta', text, ...(isMissing && { insteadOf }) }
  return {
    text,
    citations,
    isAbstained,
    judged,
    generator: 'extractive',
    model: null,
    usage,
    degraded,
    cache: miss,
  }
}

function isModelFault({ code }: AskError): boolean {
  return code.startsWith('model_') || code === 'deadline_exceeded'
}
