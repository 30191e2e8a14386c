import t from 'tap'
import { createGate } from '../../../src/ask/abstention/gate.ts'
import type { LearnedModel } from '../../../src/ask/abstention/model.ts'
import { extractFrom } from '../../../src/ask/generation/extractive.ts'
import { createPipeline, type Steps } from '../../../src/ask/pipeline.ts'
import { AskError } from '../../../src/errors.ts'
import type { Answer, AskEvent } from '../../../src/ask/terms/answer.ts'
import type { AskedCollection } from '../../../src/ask/terms/collection.ts'
import type { Passage } from '../../../src/ask/terms/passage.ts'
import type { Mode } from '../../../src/ask/terms/question.ts'
import type { Explanation } from '../../../src/ask/terms/run.ts'
import { noUsage } from '../../../src/ask/terms/usage.ts'
import { passage } from '../../support/passages.ts'
import { runOf } from '../../support/run-of.ts'

/** The two gates of the pipeline, with steps that are plain functions. */

const collection: AskedCollection = {
  id: 1,
  name: 'default',
  epoch: 1,
  epochMark: 'm',
  modelId: null,
  chunkCount: 100,
  windowsPerChunk: 1,
  efSearch: null,
  languages: ['en'],
  vectorWeights: {},
  calibration: null,
  caching: {},
}

/** Confidence is about the coverage of the best passage, or of the quotations. */
function modelOver(stage: LearnedModel['stage'], name: 'coverage' | 'answer_coverage' | 'rerank'): LearnedModel {
  return {
    stage,
    sources: name === 'rerank' ? ['words', 'reranker'] : ['words'],
    bias: 0,
    signals: [{ name, weight: 3, mean: name === 'rerank' ? 0 : 0.5, deviation: name === 'rerank' ? 2 : 0.25 }],
    thresholds: { hopeless: 0.2, doubtful: 0.5 },
    figures: { questions: 0, auc: 0.5, calibrationError: 0, refused: {} },
  }
}

const learned = {
  version: '1',
  models: [modelOver('passages', 'coverage'), modelOver('passages', 'rerank'), modelOver('answer', 'answer_coverage')],
}

const text = 'The library lends books for thirty days. The canteen serves soup at noon every day.'

const other = passage('Cars are parked elsewhere.', {
  chunkId: 'e.0',
  documentId: 'e',
  scores: { lexical: 1, lexicalRank: 2, vector: null, vectorRank: null, fused: 0, coverage: 0 },
})

interface Options {
  readonly coverage?: number
  /** Coverage by the words that a language model suggests. */
  readonly reworded?: number
  readonly writes?: () => AsyncGenerator<never> | null
  readonly rerank?: number
  readonly threshold?: number | null
  readonly own?: AskedCollection['abstention']
  readonly mode?: Mode
}

function found(coverage: number): Passage {
  // Between what questions of other fields cover, and all of the question.
  const scores = {
    lexical: 3,
    lexicalRank: 1,
    vector: null,
    vectorRank: null,
    fused: 1,
    coverage: 0.33 + 0.67 * coverage,
  }
  return passage(text, { scores })
}

function stepsOf({ coverage = 1, reworded, writes, rerank, threshold = null }: Options, called: string[]): Steps {
  return {
    embed: async () => ({ vector: null, degraded: [] }),
    retrieve: async ({ asked }) => {
      called.push('retrieve')
      return {
        passages: [found(asked.text === 'reworded' ? (reworded ?? 0) : coverage), other],
        similarities: null,
        similarity: { unrelated: 0, related: 1, span: 1 },
        candidateCount: 1,
        vectorShare: 0,
        isOvertaken: false,
        readings: asked.terms.map(({ term }) => ({ term, chunkCount: 5, corrections: [], isUnknown: false })),
      }
    },
    knownTerms: async () => new Set(),
    rewrite:
      reworded === undefined
        ? null
        : {
            condense: async () => ({ text: null, usage: noUsage, degraded: [] }),
            rephrase: async () => ({ texts: ['reworded'], usage: noUsage, degraded: [] }),
          },
    rerank:
      rerank === undefined
        ? null
        : {
            candidates: 10,
            readsUnits: false,
            run: async ({ passages }) => ({
              passages: passages.map(each => ({ ...each, scores: { ...each.scores, rerank } })),
              degraded: [],
            }),
          },
    vectorWeight: () => 0,
    gate: createGate(learned, threshold),
    ground: null,
    pack: passages => passages,
    extract: async request => {
      called.push('extract')
      return await extractFrom(request)
    },
    generate: writes
      ? () => {
          called.push('generate')
          return (writes() ?? completing()) as ReturnType<NonNullable<Steps['generate']>>
        }
      : null,
    model: writes ? 'm' : null,
    reserveMs: 10,
  }
}

async function* completing() {
  yield { type: 'end', completion: { text: 'Thirty days [1].', abstained: false, usage: noUsage } } as const
}

interface Outcome {
  readonly answer: Answer
  readonly events: readonly AskEvent[]
  readonly called: readonly string[]
  readonly explanation: Partial<Explanation>
}

async function ask(question: string, options: Options = {}): Promise<Outcome> {
  const called: string[] = []
  const explanation: Partial<Explanation> = {}
  const run = { ...runOf(), explain: (part: Partial<Explanation>) => void Object.assign(explanation, part) }
  const { mode = 'fast', own } = options
  const asked = {
    text: question,
    collection: 'default',
    mode,
    topK: 5,
    filters: {},
    language: 'en',
    history: [],
  } as const
  const within = { ...collection, ...(own && { abstention: own }) }
  const events = await Array.fromAsync(createPipeline(stepsOf(options, called))(asked, within, run))
  const done = events.at(-1)
  if (done?.type !== 'done') throw new Error('the last event is not done')
  return { answer: done.answer, events, called, explanation }
}

const asked = 'How long does the library lend books?'
/** Shares one word with the text, which is quoted for it. */
const besides = 'Which canteen is haunted by vampires?'

t.test('hopeless passages: nothing is written, by no one', async t => {
  const { answer, called } = await ask(asked, { coverage: 0.1, writes: () => null })
  t.match(answer, { abstained: true, generator: 'none', passages: [] })
  t.ok(answer.confidence! < 0.2)
  t.same(called, ['retrieve'])
})

t.test('doubtful quotations: what was chosen does not answer, so it is not shown', async t => {
  const { answer, events, called, explanation } = await ask(besides, { coverage: 0.5 })
  t.same(called, ['retrieve', 'extract'])
  t.match(answer, { abstained: true, generator: 'none', citations: [] })
  t.ok(answer.confidence! < 0.5)
  t.equal(answer.confidence, explanation.judgedAnswer?.confidence)
  const shown = events.flatMap(event => (event.type === 'delta' ? event.text : []))
  t.same(shown, [answer.text], 'only that it cannot be found')
})

t.test('quotations that answer: shown, with their confidence', async t => {
  const { answer } = await ask(asked, { coverage: 0.5 })
  t.match(answer, { abstained: false, generator: 'extractive', text: /thirty days/ })
  t.ok(answer.confidence! >= 0.5)
})

t.test('a language model may answer from passages whose quotations would be doubtful', async t => {
  const { answer, called } = await ask(besides, { coverage: 0.5, writes: () => null })
  t.match(answer, { abstained: false, generator: 'llm' })
  t.ok(Math.abs(answer.confidence! - 0.5) < 1e-6, 'that of the passages')
  t.notOk(called.includes('extract'))
})

t.test('quotations in place of a model that failed pass their gate, too', async t => {
  // eslint-disable-next-line require-yield -- it fails before its first word
  const writes = async function* () {
    throw new AskError('model_failed', {})
  }
  const { answer, called } = await ask(besides, { coverage: 0.5, writes })
  t.same(called, ['retrieve', 'generate', 'extract'])
  t.match(answer, { abstained: true, degraded: ['generation'] })
  t.match((await ask(asked, { coverage: 0.5, writes })).answer, { abstained: false, generator: 'extractive' })
})

t.test('a reranker that has read the passages is heard before a model is asked', async t => {
  const options = { coverage: 0.6, mode: 'auto', writes: () => null } as const
  t.match((await ask(besides, { ...options, rerank: 4 })).answer, { abstained: false, generator: 'llm' })
  const { answer, called } = await ask(besides, { ...options, rerank: -6 })
  t.match(answer, { abstained: true, generator: 'none' })
  t.notOk(called.includes('generate'))
})

t.test('doubtful passages are searched for in other words, and the most promising are used', async t => {
  const options = { writes: () => null, mode: 'smart' } as const
  const better = await ask(besides, { ...options, coverage: 0.1, reworded: 0.9 })
  t.match(better.answer, { abstained: false, mode: 'smart' })
  t.equal(better.explanation.usedWording, 'reworded')
  const worse = await ask(besides, { ...options, coverage: 0.4, reworded: 0.1 })
  t.equal(worse.explanation.usedWording, null)
  const sure = await ask(asked, { ...options, coverage: 1, reworded: 1 })
  t.same(sure.called, ['retrieve', 'generate'])
})

t.test('thresholds of the service and of the collection', async t => {
  t.equal((await ask(besides, { coverage: 0.5, threshold: 0 })).answer.abstained, false)
  t.equal((await ask(asked, { threshold: 1 })).answer.abstained, true)
  const own = { hopeless: 0, doubtful: 0, lose: 0, questions: 1, isJudged: true }
  t.equal((await ask(besides, { coverage: 0.5, threshold: 1, own })).answer.abstained, false)
})

t.test('a question without a letter or digit: no confidence, whatever the threshold', async t => {
  const { answer, called } = await ask('?!', { threshold: 0 })
  t.match(answer, { abstained: true, confidence: 0 })
  t.same(called, [])
})
