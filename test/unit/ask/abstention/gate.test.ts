import t from 'tap'
import { createGate, isDoubtful, isHopeless, thresholdsAt } from '../../../../src/ask/abstention/gate.ts'
import { learned } from '../../../../src/ask/abstention/learned.ts'
import {
  confidenceOf,
  modelFor,
  notesOf,
  signalsOf,
  type LearnedModel,
  type LearnedModels,
} from '../../../../src/ask/abstention/model.ts'
import { signsOf, type SignalName, type Signals } from '../../../../src/ask/abstention/signals.ts'
import { analyzeText } from '../../../../src/ask/retrieval/analyze-question.ts'
import type { Evidence } from '../../../../src/ask/terms/evidence.ts'
import { passage } from '../../../support/passages.ts'

const figures = { questions: 0, auc: 0.5, calibrationError: 0, refused: {} }

function model(own: Partial<LearnedModel> = {}): LearnedModel {
  return {
    stage: 'passages',
    sources: ['words'],
    bias: 0,
    signals: [{ name: 'coverage', weight: 2, mean: 0.5, deviation: 0.25 }],
    thresholds: { hopeless: 0.2, doubtful: 0.6 },
    figures,
    ...own,
  }
}

const models: LearnedModels = { version: '1', models: [model()] }

/** The share of the question at this place between what questions of other fields cover, and all of it. */
function shareAt(coverage: number): number {
  return 0.33 + 0.67 * coverage
}

function found(coverage: number, own: Partial<Evidence['collection']> = {}): Evidence {
  const { scores, ...rest } = passage('The library lends books.')
  return {
    asked: analyzeText('Which books does the library lend?', 'en'),
    passages: [{ ...rest, scores: { ...scores, coverage: shareAt(coverage) } }],
    candidates: null,
    similarity: { unrelated: 0, related: 1, span: 1 },
    collection: { chunkCount: 10, calibration: null, ...own },
  }
}

t.test('the confidence is that of the logistic model, and its notes add up to it', async t => {
  const signals = { coverage: 0.75 }
  t.equal(confidenceOf(model({ bias: -1 }), signals), 1 / (1 + Math.exp(-1)))
  t.same(notesOf(model(), signals), [{ name: 'coverage', value: 0.75, weight: 2, contribution: 2 }])
  t.equal(
    confidenceOf(model(), { coverage: 100 }),
    confidenceOf(model(), { coverage: 1.25 }),
    'at most three deviations',
  )
})

t.test('the model with the most sources that are there', async t => {
  const both = model({
    sources: ['words', 'windows'],
    signals: [...model().signals, { name: 'window', weight: 1, mean: 0, deviation: 1 }],
  })
  const all = { version: '1', models: [model(), both, model({ stage: 'answer' })] }
  t.equal(modelFor(all, 'passages', { coverage: 1, window: 1 }), both)
  t.equal(modelFor(all, 'passages', { coverage: 1 }), all.models[0])
  t.equal(modelFor(all, 'passages', {}), undefined)
})

t.test('thresholds: of the model, of the service, of the collection; 0 switches abstention off', async t => {
  const own = { hopeless: 0.3, doubtful: 0.7 }
  t.same(createGate(models, null).ofPassages(found(0.5)).thresholds, { hopeless: 0.2, doubtful: 0.6 })
  t.same(createGate(models, 0.9).ofPassages(found(0.5)).thresholds, thresholdsAt(0.9))
  t.same(createGate(models, 0.9).ofPassages(found(0.5, { abstention: own })).thresholds, own)
  const off = createGate(models, 0).ofPassages(found(0, { abstention: own }))
  t.same([isHopeless(off), isDoubtful(off)], [false, false])
})

t.test('a language model is asked where quotations are doubtful, and neither where it is hopeless', async t => {
  const gate = createGate(models, null)
  const judged = [0.8, 0.5, 0.1].map(coverage => gate.ofPassages(found(coverage)))
  t.same(judged.map(isDoubtful), [false, true, true])
  t.same(judged.map(isHopeless), [false, false, true])
})

t.test('nothing found: hopeless, whatever was learned', async t => {
  const judged = createGate(models, null).ofPassages({ ...found(1), passages: [] })
  t.equal(judged.confidence, 0)
  t.ok(isHopeless(judged))
})

t.test('the shipped models', async t => {
  const stages = ['passages', 'answer'] as const
  for (const stage of stages)
    t.ok(
      learned.models.some(each => each.stage === stage && each.sources.join() === 'words'),
      `words alone: ${stage}`,
    )
  for (const { stage, sources, signals, thresholds } of learned.models) {
    const name = `${stage} ${sources.join('+')}`
    t.ok(
      signals.every(each => signsOf[each.name] === 0 || Math.sign(each.weight) === signsOf[each.name]),
      `${name}: every weight has the sign that makes sense`,
    )
    t.ok(0 < thresholds.hopeless && thresholds.hopeless <= thresholds.doubtful && thresholds.doubtful < 1, name)
  }
})

t.test('the shipped models: a passage that covers everything beats one that covers nothing', async t => {
  for (const each of learned.models) {
    const names = signalsOf(each.sources, each.stage)
    const at = (share: number): Signals =>
      Object.fromEntries(names.map((name: SignalName) => [name, signsOf[name] < 0 ? 1 - share : share]))
    const [none, half, all] = [0, 0.5, 1].map(share => confidenceOf(each, at(share)))
    t.ok(none! < half! && half! < all!, `${each.stage} ${each.sources.join('+')}: ${none} ${half} ${all}`)
  }
})
