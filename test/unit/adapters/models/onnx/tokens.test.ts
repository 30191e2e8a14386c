import fc from 'fast-check'
import t, { type Test } from 'tap'
import { plainText } from '../../../../../src/adapters/models/local/tokens.ts'
import { openTokenCounter } from '../../../../../src/adapters/models/onnx/tokens.ts'
import { loadTransformers } from '../../../../../src/adapters/models/onnx/library.ts'
import { tinyModel } from '../../../../support/onnx-model.ts'

const special = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
})

/** As XLM-RoBERTa's and multilingual-e5's: the likeliest pieces, words begun by ▁. */
const unigram = {
  version: '1.0',
  added_tokens: [special('<unk>', 0)],
  normalizer: { type: 'NFKC' },
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'WhitespaceSplit' },
      { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', add_prefix_space: true },
    ],
  },
  post_processor: null,
  decoder: null,
  model: {
    type: 'Unigram',
    unk_id: 0,
    vocab: [
      ['<unk>', 0],
      ['▁', -3],
      ['▁c', -4],
      ['at', -3],
      ['s', -2],
      ['c', -3],
      ['a', -3],
      ['t', -3],
      ['▁dogs', -5],
      ['é', -4],
      ['日', -4],
      ['本', -4],
      ['日本', -5],
      ['.', -2],
    ],
  },
}

/** As RoBERTa's and Qwen's: bytes, of which the pieces are merged; a blank belongs to the word behind it. */
const bytes = {
  version: '1.0',
  added_tokens: [special('<unk>', 0)],
  normalizer: null,
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: 'ByteLevel' },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    vocab: { '<unk>': 0, c: 1, a: 2, t: 3, s: 4, Ġ: 5, Ġc: 6, at: 7, Ġcat: 8, d: 9 },
    merges: ['Ġ c', 'a t', 'Ġc at'],
  },
}

async function countersOf(t: Test, tokenizer: object | undefined) {
  const folder = t.testdir(
    tinyModel(tokenizer && { files: { 'tokenizer.json': tokenizer, 'tokenizer_config.json': { unk_token: '<unk>' } } }),
  )
  const { AutoTokenizer } = await loadTransformers('EMBEDDING_MODEL')
  const own = await AutoTokenizer.from_pretrained(folder)
  return { own: (text: string) => own.tokenize(text).length, counter: await openTokenCounter(folder) }
}

const word = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('cats', 'cat', 'dogs', 'tactac', 'é', '日本', 'ﬁ', '12', '…', 'c.', '日本日本日本'),
)
const texts = fc
  .tuple(fc.array(word), fc.constantFrom(' ', '  ', '\n', '\t', ''))
  .map(([words, blank]) => words.join(blank))

t.test('tokens are counted as the tokenizer counts them, word by word', async t => {
  const wordPiece = await countersOf(t, undefined)
  const pieces = await countersOf(t, unigram)
  fc.assert(
    fc.property(texts, text => {
      for (const { own, counter } of [wordPiece, pieces])
        t.equal(counter.count(text), own(plainText(text)), encodeURIComponent(text.toWellFormed()))
    }),
    { numRuns: 200 },
  )
})

t.test('a tokenizer that sees blanks: counted two too low at the most', async t => {
  const { own, counter } = await countersOf(t, bytes)
  const plain = fc
    .tuple(fc.array(fc.constantFrom('cats', 'cat', 'dogs', 'tactac', 'act.')), fc.constantFrom(' ', '\n'))
    .map(([words, blank]) => words.join(blank))
  fc.assert(
    fc.property(plain, text => void t.ok(counter.count(text) >= own(plainText(text)) - 2, JSON.stringify(text))),
    { numRuns: 200 },
  )
})

t.test('marks of beginning and end are told apart', async t => {
  t.equal((await countersOf(t, undefined)).counter.marks, 2)
  t.equal((await countersOf(t, unigram)).counter.marks, 0)
})
