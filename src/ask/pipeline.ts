import { abstention } from './abstain.ts'
import { cite } from './cite.ts'
import type { Embedded } from './embed.ts'
import type { Extracted } from './extract.ts'
import type { Draft, DraftEvent, Request } from './generate.ts'
import type { AskWithin } from './remember.ts'
import type { Retrieved, Wanted } from './retrieve.ts'
import type { Rewrites } from './rewrite.ts'
import type { Stage, StreamStage } from './stage.ts'
import { addUsage, noUsage, type Answer, type AskedCollection, type AskEvent, type Degraded, type Passage, type Question, type Run, type Usage } from './terms.ts'
import { read, understand, type Understood } from './understand.ts'
import { isAskError, type AskError } from '../errors.ts'

/** The stages, each already wrapped with its span, histogram and share of the deadline; see stage.ts. */
export interface Steps {
  readonly embed: Stage<Understood, Embedded>
  readonly retrieve: Stage<Wanted, Retrieved>
  readonly pack: (passages: readonly Passage[], question: string) => readonly Passage[]
  readonly extract: Stage<Request, Extracted>
  /** Null when no language model is set: answers are extractive. */
  readonly generate: StreamStage<Request, DraftEvent> | null
  readonly rewrite: Rewrites | null
  readonly vectorWeight: (language: string) => number
  /** Nothing is answered from passages that are less near than this, 0…1. */
  readonly abstainBelow: number
  /** Milliseconds kept back for a quoted answer when the model uses up its time. */
  readonly reserveMs: number
  readonly model: string | null
}

/**
 * One question, from its words to a cited answer:
 *
 *   understand → embed → retrieve → near enough? → pack → generate → cite
 *                                        │ no                 └ model down: extract
 *                                        └ smart: other words, once more; else say so
 */
export function createPipeline(steps: Steps): AskWithin {
  return async function* ask(question, collection, run) {
    const asked = await wordsOf(question, collection, run)
    const first = await find(asked.asked, question, collection, run)
    const found = await secondLook(first, asked, question, collection, run)
    const base = { language: asked.asked.language, mode: found.isSmart ? 'smart' : 'fast', usage: found.usage, degraded: found.degraded } as const

    if (found.nearness < steps.abstainBelow) return yield* abstain(base)

    const passages = steps.pack(found.passages, asked.asked.text)
    yield { type: 'passages', passages }
    const draft = yield* write({ asked: asked.asked, question, passages }, run)
    const usage = addUsage(base.usage, draft.usage)
    if (draft.abstained) return yield* abstain({ ...base, usage, passages, isSaid: draft.text !== '', model: steps.model })

    const citations = draft.citations ?? cite(draft.text, passages, base.language)
    yield { type: 'citations', citations }
    const degraded = [...base.degraded, ...draft.degraded]
    const { text, generator } = draft
    const model = generator === 'openai' ? steps.model : null
    yield { type: 'done', answer: { ...base, text, abstained: false, citations, passages, cache: { status: 'miss' }, degraded, generator, model, usage } }
  }

  /** A follow-up is rewritten to stand alone when a model may be asked; else it borrows the words before it. */
  async function wordsOf(question: Question, collection: AskedCollection, run: Run): Promise<Words> {
    const asked = understand(question, collection)
    if (question.history.length === 0 || question.mode === 'fast' || !steps.rewrite) return { asked, isSmart: false, usage: noUsage }
    const { text, usage } = await steps.rewrite.condense(question, run)
    return { asked: text === null ? asked : read(text, asked.language), isSmart: true, usage }
  }

  async function find(asked: Understood, question: Question, collection: AskedCollection, run: Run): Promise<Found> {
    const weight = collection.modelId === null ? 0 : steps.vectorWeight(asked.language)
    const { vector, isDegraded } = weight > 0 ? await steps.embed(asked, run) : { vector: null, isDegraded: false }
    const { collection: _, ...rest } = question
    const retrieved = await steps.retrieve({ asked, vector, vectorWeight: weight, collection, filters: rest.filters, topK: rest.topK }, run)
    return { ...retrieved, degraded: isDegraded ? ['embeddings'] : [] }
  }

  /** Nothing near: other wordings of the question are tried once, where the mode allows a model call for it. */
  async function secondLook(first: Found, words: Words, question: Question, collection: AskedCollection, run: Run): Promise<Looked> {
    const isEnough = first.nearness >= steps.abstainBelow || question.mode === 'fast' || !steps.rewrite
    if (isEnough) return { ...first, isSmart: words.isSmart, usage: words.usage }
    const { texts, usage } = await steps.rewrite.rephrase(words.asked, run)
    const others = await Promise.all(texts.map(text => find(read(text, words.asked.language), question, collection, run)))
    const best = [first, ...others].reduce((a, b) => (b.nearness > a.nearness ? b : a))
    return { ...best, isSmart: true, usage: addUsage(words.usage, usage) }
  }

  /** The model's words as they come; a quoted answer when it fails before anything was shown that can't be taken back. */
  async function* write(request: Request, run: Run): AsyncGenerator<AskEvent, Written> {
    if (!steps.generate) return yield* quote(request, run, [])
    const shown: string[] = []
    try {
      const until = { ...run, deadline: run.deadline - steps.reserveMs }
      let draft: Draft | null = null
      for await (const event of steps.generate(request, until)) {
        if (event.type === 'end') draft = event.draft
        else shown.push(event.text)
        if (event.type === 'text' && run.isStreamed) yield { type: 'delta', text: event.text }
      }
      if (!run.isStreamed && draft) yield { type: 'delta', text: draft.text }
      return { ...(draft as Draft), generator: 'openai', degraded: [], citations: null }
    } catch (error) {
      const isTooLate = run.isStreamed && shown.length > 0
      if (isTooLate || run.signal.aborted || !isAskError(error) || !isModelFault(error)) throw error
      run.log.warn({ code: error.code, err: error.cause ?? error }, 'model failed: answering with quoted sentences')
      return yield* quote(request, run, ['generation'])
    }
  }

  async function* quote(request: Request, run: Run, degraded: readonly Degraded[]): AsyncGenerator<AskEvent, Written> {
    const { text, citations } = await steps.extract(request, run)
    if (text !== '') yield { type: 'delta', text }
    return { text, citations, abstained: text === '', usage: noUsage, generator: 'extractive', degraded }
  }
}

interface Words {
  readonly asked: Understood
  readonly isSmart: boolean
  readonly usage: Usage
}

interface Found extends Retrieved {
  readonly degraded: readonly Degraded[]
}

interface Looked extends Found {
  readonly isSmart: boolean
  readonly usage: Usage
}

interface Written extends Draft {
  readonly generator: 'openai' | 'extractive'
  readonly degraded: readonly Degraded[]
  /** Null: still to be found from the markers in the text. */
  readonly citations: Answer['citations'] | null
}

type Abstaining = Pick<Answer, 'language' | 'mode' | 'usage' | 'degraded'> & {
  readonly passages?: readonly Passage[]
  readonly isSaid?: boolean
  readonly model?: string | null
}

/** In the language of the question. A model that abstained was asked; when nothing was near, none was. */
function* abstain({ passages = [], isSaid = false, model = null, ...base }: Abstaining): Generator<AskEvent, void> {
  const text = abstention(base.language)
  if (!isSaid) yield { type: 'delta', text }
  const generator = model === null ? 'none' : 'openai'
  yield { type: 'citations', citations: [] }
  yield { type: 'done', answer: { ...base, text, abstained: true, citations: [], passages, cache: { status: 'miss' }, generator, model } }
}

function isModelFault({ code }: AskError): boolean {
  return code.startsWith('model_') || code === 'deadline_exceeded'
}
