import { callsMade, isAskError, loudness, type AskError } from '../../errors.ts'
import { cite } from './cite.ts'
import type { Extracted } from './quotes.ts'
import type { Completion, CompletionEvent, Request } from './generate.ts'
import type { Stage, StreamStage } from '../stage.ts'
import { noUsage, type AskEvent, type CacheNote, type Citation, type Degraded, type Run, type Usage } from '../terms.ts'

export interface AnswerSteps {
  /** Null when no language model is set: answers are quoted sentences. */
  readonly generate: StreamStage<Request, CompletionEvent> | null
  readonly extract: Stage<Request, Extracted>
  /** Name of the language model. */
  readonly model: string | null
  /** Least milliseconds kept back from the model, so that a quoted answer can still be made when it uses up its time. */
  readonly reserveMs: number
}

export interface Written {
  readonly text: string
  readonly citations: readonly Citation[]
  readonly isAbstained: boolean
  readonly generator: 'llm' | 'extractive'
  readonly model: string | null
  readonly usage: Usage
  readonly degraded: readonly Degraded[]
  /** `miss`, unless the model's words were remembered. */
  readonly cache: CacheNote
}

const miss: CacheNote = { status: 'miss' }

/**
 * The model's words as they come, else quoted sentences. A model that fails is replaced as long as nothing was
 * shown that cannot be taken back; a stream that breaks off later throws, never looking complete.
 */
export async function* writeAnswer(steps: AnswerSteps, request: Request, run: Run): AsyncGenerator<AskEvent, Written> {
  if (!steps.generate) return yield* quote(steps, request, run, [], noUsage)
  let isShown = false
  try {
    let draft: Completion | undefined
    for await (const event of steps.generate(request, { ...run, deadline: run.deadline - reserveOf(steps, run) })) {
      if (event.type === 'end') draft = event.draft
      else if (run.isStreamed) {
        isShown = true
        yield { type: 'delta', text: event.text }
      }
    }
    return yield* finished(steps, draft as Completion, request, run)
  } catch (error) {
    if (isShown || run.signal.aborted || !isAskError(error) || !isModelFault(error)) throw error
    run.log[loudness(error)](
      { code: error.code, err: error.cause ?? error },
      'the model failed: answering with quoted sentences',
    )
    return yield* quote(steps, request, run, ['generation'], { ...noUsage, llmCalls: callsMade(error) })
  }
}

/** More than the least where there is time: on a busy machine quoting takes its turn like everything else. */
const reservedShare = 0.15
const mostReservedMs = 1000

function reserveOf({ reserveMs }: AnswerSteps, { deadline }: Run): number {
  return Math.max(reserveMs, Math.min(mostReservedMs, (deadline - performance.now()) * reservedShare))
}

async function* finished(
  { model }: AnswerSteps,
  draft: Completion,
  { asked, passages }: Request,
  run: Run,
): AsyncGenerator<AskEvent, Written> {
  const { text, usage, abstained, cache = miss } = draft
  if (!run.isStreamed && !abstained) yield { type: 'delta', text }
  const citations = abstained ? [] : cite(text, passages, asked.language)
  return { text, citations, isAbstained: abstained, generator: 'llm', model, usage, degraded: [], cache }
}

async function* quote(
  steps: AnswerSteps,
  request: Request,
  run: Run,
  degraded: readonly Degraded[],
  usage: Usage,
): AsyncGenerator<AskEvent, Written> {
  const { text, citations } = await steps.extract(request, run)
  if (text !== '') yield { type: 'delta', text, ...(degraded.length > 0 ? { isMakeshift: true } : {}) }
  return {
    text,
    citations,
    isAbstained: text === '',
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
