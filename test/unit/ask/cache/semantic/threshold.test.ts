import t from 'tap'
import { errorBound, learnThreshold, type Observation } from '../../../../../src/ask/cache/semantic/threshold.ts'
import { randomFrom } from '../../../../../src/eval/random.ts'

const options = { acceptedError: 0.01 }

function seen(similarity: number, right: number, wrong = 0): Observation[] {
  return Array.from({ length: right + wrong }, (_, i) => ({ similarity, isRight: i >= wrong }))
}

/** A world whose truth is known: how similar near questions are, and how often their answers are right. */
interface Truth {
  readonly similarity: (random: () => number) => number
  readonly rightAt: (similarity: number) => number
}

const sigmoid = (similarity: number, middle: number, width: number) => 1 / (1 + Math.exp((middle - similarity) / width))

const truths: Readonly<Record<string, Truth>> = {
  'right from .90 on': { similarity: random => 1 - 0.3 * random() ** 2, rightAt: s => sigmoid(s, 0.85, 0.012) },
  'never quite right': { similarity: random => 1 - 0.3 * random() ** 2, rightAt: s => 0.997 * sigmoid(s, 0.85, 0.015) },
  'few are right': { similarity: random => 0.7 + 0.3 * random(), rightAt: s => 0.998 * sigmoid(s, 0.93, 0.01) },
  'as wrong as accepted': { similarity: random => 1 - 0.3 * random(), rightAt: () => 0.9899 },
}

function drawn({ similarity, rightAt }: Truth, count: number, seed: number): Observation[] {
  const random = randomFrom(seed)
  return Array.from({ length: count }, () => {
    const at = similarity(random)
    return { similarity: at, isRight: random() < rightAt(at) }
  })
}

/** The share of wrong ones from each threshold on, by 200,000 draws of what the world is. */
function trueErrors(truth: Truth): (threshold: number) => number {
  const random = randomFrom(4711)
  const sums = Array.from({ length: 101 }, () => ({ all: 0, wrong: 0 }))
  for (let i = 0; i < 200_000; i++) {
    const at = truth.similarity(random)
    const sum = sums[Math.min(100, Math.floor(at * 100))]!
    sum.all++
    sum.wrong += 1 - truth.rightAt(at)
  }
  return threshold => {
    const above = sums.slice(Math.round(threshold * 100))
    return above.reduce((sum, each) => sum + each.wrong, 0) / above.reduce((sum, each) => sum + each.all, 0)
  }
}

t.test('nothing seen: no threshold', async t => {
  t.equal(learnThreshold([], options), null)
})

t.test('for one wrong in a hundred it takes 299 right ones, not 298', async t => {
  t.equal(learnThreshold(seen(0.97, 298), options), null)
  t.match(learnThreshold(seen(0.97, 299), options), { similarity: 0.97, total: 299, wrong: 0 })
})

t.test('each wrong one raises the number that it takes', async t => {
  // The sample sizes of reliability tables for 99 % at a confidence of 95 %.
  for (const [wrong, total] of [
    [0, 299],
    [1, 473],
    [2, 628],
    [3, 773],
  ] as const) {
    t.equal(learnThreshold(seen(0.9, total - 1 - wrong, wrong), options), null, `${wrong} of ${total - 1}`)
    t.equal(learnThreshold(seen(0.9, total - wrong, wrong), options)?.similarity, 0.9, `${wrong} of ${total}`)
  }
})

t.test('more confidence, or less error accepted: it takes more', async t => {
  t.equal(learnThreshold(seen(0.97, 458), { ...options, confidence: 0.99 }), null)
  t.ok(learnThreshold(seen(0.97, 459), { ...options, confidence: 0.99 }))
  t.equal(learnThreshold(seen(0.97, 597), { acceptedError: 0.005 }), null)
  t.ok(learnThreshold(seen(0.97, 598), { acceptedError: 0.005 }))
  t.equal(learnThreshold(seen(0.97, 5000), { acceptedError: 0 }), null, 'no error at all cannot be promised')
})

t.test('the bound is the exact one', async t => {
  // Quantiles of Beta(wrong + 1, total − wrong), by SciPy.
  const known = [
    [0, 299, 0.0099691468],
    [1, 473, 0.0099897075],
    [5, 50, 0.1988330025],
    [20, 400, 0.07182859],
    [37, 5000, 0.0097237198],
  ] as const
  for (const [wrong, total, bound] of known)
    t.ok(Math.abs(errorBound(wrong, total, 0.95) - bound) < 1e-9, `${wrong} of ${total}`)
  t.equal(errorBound(7, 7, 0.95), 1)
  t.equal(errorBound(0, 0, 0.95), 1)
})

t.test('a lower step that fails ends it, whatever comes below', async t => {
  const all = [...seen(0.95, 400), ...seen(0.94, 0, 20), ...seen(0.93, 5000)]
  t.equal(learnThreshold(all, options)?.similarity, 0.95)
  t.ok(errorBound(20, 5420, 0.95) < 0.01, 'though with what is below, all would be within the bound')
})

t.test('steps at the top that are too few to pass do not end it before it begins', async t => {
  const all = [...seen(1, 40, 1), ...seen(0.99, 100), ...seen(0.98, 400)]
  t.match(learnThreshold(all, options), { similarity: 0.98, total: 541, wrong: 1 })
})

t.test('where nothing was seen nothing is trusted', async t => {
  t.equal(learnThreshold([...seen(0.97, 400), ...seen(0.69, 5000)], options)?.similarity, 0.97)
  t.equal(learnThreshold(seen(0.69, 5000), options), null, 'below the grid')
  t.equal(learnThreshold(seen(NaN, 5000), options), null)
})

t.test('a similarity belongs to the step it reaches', async t => {
  for (let hundredth = 70; hundredth <= 100; hundredth++) {
    t.equal(learnThreshold(seen(hundredth / 100, 299), options)?.similarity, hundredth / 100)
    t.equal(learnThreshold(seen(hundredth / 100 + 0.009, 299), options)?.similarity, hundredth / 100)
  }
  t.equal(learnThreshold([...seen(0.949999, 299), ...seen(0.95, 298)], options)?.similarity, 0.94)
})

t.test('in what order they were seen makes no difference', async t => {
  const all = drawn(truths['right from .90 on']!, 1500, 5)
  t.same(learnThreshold(all.toReversed(), options), learnThreshold(all, options))
})

t.test(
  'the true error above the threshold is over the accepted one in no more than 5 % of many worlds alike',
  async t => {
    for (const [name, truth] of Object.entries(truths)) {
      const trueError = trueErrors(truth)
      // Only the last one comes near the bound, so only it needs many worlds to show on which side it is.
      const worlds = name === 'as wrong as accepted' ? 1000 : 300
      for (const count of [400, 1500, 5000]) {
        const thresholds = Array.from({ length: worlds }, (_, seed) =>
          learnThreshold(drawn(truth, count, seed * 31 + count), options),
        )
        const over = thresholds.filter(
          learned => learned && trueError(learned.similarity) > options.acceptedError,
        ).length
        const learned = thresholds.filter(each => each !== null)
        const mean = learned.reduce((sum, { similarity }) => sum + similarity, 0) / learned.length
        t.comment(
          `${name}, ${count} seen: ${learned.length} learned, mean ${learned.length ? mean.toFixed(3) : '–'}, over the accepted error ${over}`,
        )
        t.ok(over <= 0.05 * worlds, `${name}, ${count} seen`)
      }
    }
  },
)

t.test('the threshold falls as evidence comes, and stays above where the truth is', async t => {
  const truth = truths['right from .90 on']!
  const means = [500, 1000, 2000, 5000].map(count => {
    const learned = Array.from(
      { length: 40 },
      (_, seed) => learnThreshold(drawn(truth, 5000, seed).slice(0, count), options)?.similarity ?? 1,
    )
    return learned.reduce((sum, each) => sum + each) / learned.length
  })
  t.same(
    means.toSorted((a, b) => b - a),
    means,
  )
  t.ok(means[0]! - means[3]! > 0.02, `from ${means[0]} to ${means[3]}`)
  const trueError = trueErrors(truth)
  const lowest = Array.from({ length: 31 }, (_, i) => 0.7 + i / 100).find(
    each => trueError(each) <= options.acceptedError,
  )!
  t.ok(means[3]! >= lowest - 0.005 && means[3]! < lowest + 0.03, `near ${lowest}`)
})
