import { join } from 'node:path'
import t from 'tap'
import { openCrossEncoder } from '../../src/adapters/models/onnx/cross-encoder.ts'
import { openOnnxEmbedder } from '../../src/adapters/models/onnx/embedder.ts'
import { modelsFolder, realModelsSkipReason } from '../support/real-models.ts'

/**
 * Real models from folders: ms-marco-MiniLM-L-12-v2 and bge-small-en-v1.5, both with 8-bit weights. The expected numbers
 * are those of Python's onnxruntime and tokenizers with the same files, each pair alone.
 */

t.setTimeout(1_800_000)

const never = new AbortController().signal
const folder = (name: string) => join(modelsFolder, 'onnx', name)
const skip = realModelsSkipReason()

const expected: readonly (readonly [question: string, texts: readonly (readonly [text: string, score: number])[]])[] = [
  [
    'How do I reset the printer to factory settings?',
    [
      ['A place in the dormitory costs 12,000 tenge a month.', 0.0000127],
      [
        'Hold the power button for ten seconds until the light blinks; the printer restarts with its factory settings.',
        0.99905,
      ],
      ['The printer has a power button on its left side.', 0.0019278],
    ],
  ],
  [
    'When do quiet hours begin?',
    [
      ['Quiet hours last from 23:00 to 07:00. Guests must leave by 22:00.', 0.998535],
      ['The library lends books for thirty days.', 0.0000128],
    ],
  ],
]

t.test('a cross-encoder scores as in Python', { skip }, async t => {
  const encoder = await openCrossEncoder(folder('reranker_en'))
  t.teardown(() => encoder.close())
  for (const [question, texts] of expected) {
    // Weights of 8 bits round by what else is in a batch; far from ½ a tenth of the log-odds is nothing.
    for (const [text, score] of texts) {
      const [found] = await encoder.score(question, [text], never)
      t.ok(Math.abs(logOdds(found!) - logOdds(score)) < 0.1, `${found} for ${score}`)
    }
    const together = await encoder.score(
      question,
      texts.map(([text]) => text),
      never,
    )
    const order = (scores: readonly number[]) => scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!)
    t.strictSame(order(together.map(score => score!)), order(texts.map(([, score]) => score)))
  }
})

t.test('the other models of the folder are no cross-encoders, and said to be none', { skip }, async t => {
  await t.rejects(openCrossEncoder(folder('bge_small_en')), {
    code: 'model_failed',
    detail: /returns last_hidden_state .*, but not one or two logits per pair/,
  })
})

t.test('EMBEDDING_POOLING=cls gives the similarities of bge', { skip }, async t => {
  const embedder = await openOnnxEmbedder({ path: folder('bge_small_en'), languages: ['en'], pooling: 'cls' })
  t.teardown(() => embedder.close())
  const [question, answer, other] = await embedder.embed(
    [
      'How do I reset the printer?',
      'Hold the power button for ten seconds until the light blinks, then release it. The printer restarts with its factory settings.',
      'The dormitory costs 15,000 tenge a month and is paid each semester in advance by bank transfer.',
    ],
    never,
  )
  t.ok(Math.abs(cosine(question!, answer!) - 0.838) < 0.02, `${cosine(question!, answer!)} for 0.838`)
  t.ok(Math.abs(cosine(question!, other!) - 0.3351) < 0.02, `${cosine(question!, other!)} for 0.3351`)
})

function logOdds(score: number): number {
  return Math.log(score / (1 - score))
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}
