import t from 'tap'
import { learned } from '../../../../src/ask/abstention/learned.ts'
import { modelFor, notesOf } from '../../../../src/ask/abstention/model.ts'
import { answerSignals, passageSignals, signalsBySource } from '../../../../src/ask/abstention/signals.ts'
import { analyzeText, readBy } from '../../../../src/ask/retrieval/analyze-question.ts'
import type { TermReading } from '../../../../src/ask/retrieval/passage-search.ts'
import type { Evidence } from '../../../../src/ask/terms/evidence.ts'
import type { Passage } from '../../../../src/ask/terms/passage.ts'
import type { TermCorrection } from '../../../../src/ask/terms/question.ts'
import type { Calibration } from '../../../../src/ask/calibration/terms.ts'
import { calibrationOf } from '../../../support/calibration.ts'
import { passage } from '../../../support/passages.ts'

const similarity = { unrelated: 0.2, related: 0.6, span: 0.3 }

/** How often the collection has each word; `corrections` of those it does not have. */
interface Known {
  readonly counts: Readonly<Record<string, number>>
  readonly corrections?: Readonly<Record<string, readonly TermCorrection[]>>
}

function evidence(question: string, { counts, corrections = {} }: Known, own: Partial<Evidence> = {}): Evidence {
  const asked = analyzeText(question, 'en')
  const readings = asked.terms.map(({ term }): TermReading => {
    const chunkCount = counts[term] ?? 0
    const found = chunkCount > 0 ? [] : (corrections[term] ?? [])
    return { term, chunkCount, corrections: found, isUnknown: chunkCount === 0 && found.length === 0 }
  })
  const collection = { chunkCount: 100, calibration: null }
  return { asked: readBy(asked, readings), passages: [], candidates: null, similarity, collection, ...own }
}

function scored(coverage: number, own: Partial<Passage['scores']> = {}): Pick<Passage, 'scores'> {
  return { scores: { lexical: 5, lexicalRank: 1, vector: null, vectorRank: null, fused: 1, coverage, ...own } }
}

const rent = passage('A place in the dormitory costs 12,000 tenge.', { title: 'Dormitory', ...scored(0.8) })

function quoting(from: Passage, quote: string) {
  const start = from.start + from.text.indexOf(quote)
  const citation = { chunkId: from.chunkId, quote, title: from.title, start, end: start + quote.length }
  return { citations: [citation], passages: [from] }
}

t.test('nothing found: no signal at all', async t => {
  t.same(passageSignals(evidence('What does a place cost?', { counts: {} })), {})
})

t.test('words: unknown ones count by how much of the question they carry', async t => {
  const known = { counts: { place: 20, dormitori: 5, cost: 30 } }
  const signals = (question: string, also: Known = known) =>
    passageSignals(evidence(question, also, { passages: [rent] }))
  t.equal(signals('What does a place in the dormitory cost?').unknown, 0)
  const one = signals('What does parking at the dormitory cost?').unknown!
  const two = signals('What does parking a submarine at the dormitory cost?').unknown!
  t.ok(one > 0.3, 'an unknown word is the rarest one')
  t.ok(two > one)
})

t.test('words: a sure correction explains an unknown word, a doubtful one is another signal', async t => {
  const asked = 'What does a dormitroy cost?'
  const signals = (similarity: number) =>
    passageSignals(
      evidence(
        asked,
        { counts: { cost: 30 }, corrections: { dormitroy: [{ term: 'dormitori', similarity }] } },
        { passages: [rent] },
      ),
    )
  t.match(signals(0.9), { unknown: 0, doubtful: 0 })
  t.equal(signals(0.6).unknown, 0)
  t.ok(signals(0.6).doubtful! > 0.3)
})

t.test('words: a number that was asked and that no passage has', async t => {
  const counts = { articl: 50, '12': 3, '14': 3, say: 20 }
  const twelve = passage('Article 12 is about rent.', scored(1))
  const signals = (question: string) => passageSignals(evidence(question, { counts }, { passages: [twelve] }))
  t.equal(signals('What does article 12 say?').missing_number, 0)
  t.equal(signals('What does article 14 say?').missing_number, 1)
  t.equal(signals('What does the article say?').missing_number, 0)
})

t.test('a question of function words has no signals: nothing could answer it', async t => {
  const all = passage('It is.', scored(1))
  const asked = evidence('?', { counts: {} }, { passages: [all] })
  t.same(passageSignals({ ...asked, asked: { ...asked.asked, terms: [], own: [] } }), {})
})

t.test('words say nothing about passages in another language, where vectors can', async t => {
  const russian = passage('Место стоит 12 000 тенге.', { language: 'ru', ...scored(0, { vector: 0.6, vectorRank: 1 }) })
  const counts = { place: 0 }
  const withVectors = evidence(
    'What does a place cost?',
    { counts },
    { passages: [russian], candidates: { mean: 0.3, deviation: 0.1 } },
  )
  t.notOk('coverage' in passageSignals(withVectors))
  t.ok('window' in passageSignals(withVectors))
  t.ok('coverage' in passageSignals({ ...withVectors, candidates: null }), 'without vectors words are all there is')
})

t.test('a single candidate rises above no other, which does not count against it', async t => {
  const only = passage('text', scored(0, { vector: 0.5, vectorRank: 1, lexicalRank: 1 }))
  const found = { passages: [only], candidates: { mean: 0.5, deviation: 0 } }
  const signals = passageSignals(evidence('Which dormitory?', { counts: {} }, found))
  const model = modelFor(learned, 'passages', signals)!
  t.ok(model.sources.includes('windows'))
  t.equal(notesOf(model, signals).find(({ name }) => name === 'rise')?.contribution, 0)
})

t.test('vectors: on the scale of the model, or as measured in the collection', async t => {
  const near = passage('text', scored(0, { vector: 0.5, vectorRank: 2, lexicalRank: 1 }))
  const next = passage('other', scored(0, { vector: 0.4, vectorRank: 3 }))
  const found = { passages: [near, next], candidates: { mean: 0.3, deviation: 0.1 } }
  const signals = passageSignals(evidence('Which dormitory?', { counts: {} }, found))
  const rounded = (value?: number) => Math.round(value! * 1000) / 1000
  t.equal(rounded(signals.window), 5.563, 'far questions as the range supposes them: 0.032 ± 0.084')
  t.equal(rounded(signals.window_gap), 1.187)
  t.equal(rounded(signals.rise), 2)
  t.equal(signals.agreement, 0.5)

  const none = { window: null, unit: null, coverage: null, lexical: null }
  const far = { ...none, window: { mean: 0.4, deviation: 0.05 } }
  const windowOf = (calibration: Calibration) =>
    rounded(
      passageSignals(
        evidence('Which dormitory?', { counts: {} }, { ...found, collection: { chunkCount: 100, calibration } }),
      ).window,
    )
  t.equal(windowOf(calibrationOf({ far })), 2)
  const english = { window: { mean: 0.3, deviation: 0.1 }, unit: null }
  t.equal(windowOf(calibrationOf({ far, farByLanguage: { en: english } })), 2)
  t.equal(
    windowOf(calibrationOf({ far, farByLanguage: { en: { ...english, window: { mean: 0.4, deviation: 0 } } } })),
    20,
  )
  t.equal(windowOf(calibrationOf({ far, farByLanguage: { ru: english } })), 2, 'not measured in this language')
})

t.test('coverage: 0 is what questions of other fields cover in this collection', async t => {
  const none = { window: null, unit: null, coverage: null, lexical: null }
  const measured = (mean: number) => calibrationOf({ far: { ...none, coverage: { mean, deviation: 0.1 } } })
  const coverage = (mean: number | null) =>
    passageSignals(
      evidence(
        'What does a place cost?',
        { counts: { place: 1, cost: 1 } },
        {
          passages: [passage('A place.', scored(0.6))],
          collection: { chunkCount: 100, calibration: mean === null ? null : measured(mean) },
        },
      ),
    ).coverage!
  t.equal(coverage(0.6), 0)
  t.ok(Math.abs(coverage(0.2) - 0.5) < 1e-9)
  t.ok(coverage(null) > coverage(0.6) && coverage(null) < coverage(0.2), 'what is usual, where it was not measured')
  t.ok(Number.isFinite(coverage(1)))
})

t.test('a reranker: probabilities and log-odds mean the same', async t => {
  const reranked = (first: number, second: number) =>
    passageSignals(
      evidence(
        'Which dormitory?',
        { counts: {} },
        { passages: [first, second].map(rerank => passage('x', scored(1, { rerank }))) },
      ),
    ).rerank!
  t.ok(Math.abs(reranked(0.9, 0.1) - Math.log(9)) < 0.01)
  t.equal(reranked(4, -3), 4)
})

t.test('quotations: what they cover of the question, with their headings and without', async t => {
  const counts = { place: 20, dormitori: 5, cost: 30, tenge: 3 }
  const asked = evidence('What does a place in the dormitory cost?', { counts }, { passages: [rent] })
  const whole = answerSignals(asked, quoting(rent, rent.text))
  t.equal(whole.answer_coverage, 1)
  t.equal(whole.answer_missing, 0)
  t.equal(whole.from_first, 1)
  const part = answerSignals(asked, quoting(rent, '12,000 tenge'))
  t.ok(part.answer_coverage! > 0 && part.answer_coverage! < 1, 'the heading has "dormitory"')
  t.ok(part.quote_coverage! < part.answer_coverage! && part.quote_coverage! < 0, 'less than questions of other fields')
  t.ok(part.answer_missing! > 0)
})

t.test('quotations: a corrected word counts as the one it was corrected to', async t => {
  const corrections = { dormitroy: [{ term: 'dormitori', similarity: 0.9 }] }
  const asked = evidence('dormitroy', { counts: {}, corrections }, { passages: [rent] })
  t.equal(answerSignals(asked, quoting(rent, rent.text)).quote_coverage, 1)
})

t.test('the name of every signal belongs to one source', async t => {
  const names = Object.values(signalsBySource).flatMap(({ passages, answer }) => [...passages, ...answer])
  t.equal(new Set<string>(names).size, names.length)
})

t.test('words of another language in the same letters say nothing, unless the collection knows them', async t => {
  const german = analyzeText('Wie oft reinige ich den Druckkopf?', 'de', 'en')
  const found = {
    passages: [passage('Clean the print head once a month.', scored(0, { vector: 0.6, vectorRank: 1 }))],
    candidates: { mean: 0.3, deviation: 0.1 },
  }
  const read = (count: number) =>
    readBy(
      german,
      german.terms.map(({ term }) => ({ term, chunkCount: count, corrections: [], isUnknown: count === 0 })),
    )
  const known = { ...evidence('', { counts: {} }, found), asked: read(3) }
  const unknown = { ...known, asked: read(0) }
  t.ok('coverage' in passageSignals(known))
  t.ok('agreement' in passageSignals(known))
  t.notOk('coverage' in passageSignals(unknown))
  t.notOk('agreement' in passageSignals(unknown))
  t.ok('window' in passageSignals(unknown))
})

t.test('a code that is written apart is the one that the documents have', async t => {
  const row = passage('| E21 | Wi-Fi password wrong |', scored(0.8))
  const signals = (counts: Record<string, number>) =>
    passageSignals(evidence('e-21 error', { counts: { error: 4, ...counts } }, { passages: [row] }))
  t.match(signals({ e21: 1 }), { missing_number: 0, unknown: 0 })
  t.match(signals({}), { missing_number: 1 })
  t.ok(signals({}).unknown! > 0.5)
})

t.test('a number that is asked for and not quoted', async t => {
  const fee = passage('The fee is paid at the desk. It is 200 euros.', scored(0.8))
  const missing = (question: string, quote: string) =>
    answerSignals(evidence(question, { counts: { fee: 1 } }, { passages: [fee] }), quoting(fee, quote)).missing_amount
  t.equal(missing('How much is the fee?', 'The fee is paid at the desk.'), 1)
  t.equal(missing('How much is the fee?', 'It is 200 euros.'), 0)
  t.equal(missing('Where is the fee paid?', 'The fee is paid at the desk.'), 0)
})

t.test('function words alone ask about what was borrowed from the turn before', async t => {
  const asked = analyzeText('How much is it?', 'en')
  const [pool] = analyzeText('pool', 'en').terms
  const borrowed = { ...pool!, chunkCount: 3, isUnknown: false }
  const own = [...asked.terms.map(term => ({ ...term, chunkCount: 0, isUnknown: true })), borrowed]
  const found = evidence('', { counts: {} }, { passages: [passage('The pool costs 4 euros.', scored(0.8))] })
  t.equal(passageSignals({ ...found, asked: { ...asked, terms: own, own } }).unknown, 0)
})
