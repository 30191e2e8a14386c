import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t, { type Test } from 'tap'
import { openOnnxEmbedder, type OnnxEmbedderOptions } from '../../src/adapters/models/onnx/embedder.ts'
import { rowOf, tinyModel, width, type TinyModel } from '../support/onnx-model.ts'

const never = new AbortController().signal

async function open(t: Test, model: TinyModel = {}, options: Partial<OnnxEmbedderOptions> = {}) {
  const embedder = await openOnnxEmbedder({ path: t.testdir(tinyModel(model)), languages: 'any', ...options })
  t.teardown(() => embedder.close())
  return embedder
}

/** The unit vector of what these tokens add up to. */
function sumOf(...tokens: string[]): number[] {
  const sum = Array.from({ length: width }, (_, i) => tokens.reduce((total, token) => total + rowOf(token)[i]!, 0))
  return sum.map(value => value / Math.hypot(...sum))
}

function isNear(t: Test, vector: Float32Array | undefined, expected: ArrayLike<number>, name = 'near'): void {
  t.ok(
    vector !== undefined &&
      vector.length === expected.length &&
      vector.every((value, i) => Math.abs(value - expected[i]!) < 1e-5),
    name,
  )
}

t.test('a folder says what its model is', async t => {
  const embedder = await open(t)
  t.match(embedder.model, /^onnx:[^#]+#[0-9a-f]{12}$/)
  t.equal(embedder.dimensions(), width)
  t.equal(
    embedder.maxTokens,
    28,
    '32, the least of three limits, without the marks of beginning and end, and two kept back',
  )
  t.equal(embedder.windowTokens, 28)
  t.equal(embedder.languages, 'any')
  t.equal(embedder.countTokens('Cats sleep: birds sing'), 5)
})

/** Told by their number: a folder where nothing is said takes the mean, as sentence-transformers does. */
const poolings: [name: string, config: object | null, tokens: string[]][] = [
  ['nothing said', null, ['[CLS]', 'cats', 'sleep', '[SEP]']],
  ['mean', { pooling_mode_mean_tokens: true, pooling_mode_cls_token: false }, ['[CLS]', 'cats', 'sleep', '[SEP]']],
  ['the first', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }, ['[CLS]']],
  ['the last', { pooling_mode_lasttoken: true }, ['[SEP]']],
  ['as a word', { pooling_mode: 'cls' }, ['[CLS]']],
]
for (const [name, config, tokens] of poolings) {
  t.test(`pooling: ${name}; vectors have unit length`, async t => {
    const embedder = await open(t, { files: { '1_Pooling/config.json': config } })
    const [vector] = await embedder.embed(['Cats sleep'], never)
    isNear(t, vector, sumOf(...tokens))
  })
}

t.test('pooling: the setting goes before the folder, and what nothing says is assumed aloud', async t => {
  const config = { '1_Pooling/config.json': { pooling_mode_mean_tokens: true } }
  const assumed: string[] = []
  const onAssumed = (assumption: string) => void assumed.push(assumption)
  for (const [files, pooling, tokens] of [
    [config, 'cls', ['[CLS]']],
    [{}, 'lasttoken', ['[SEP]']],
    [config, undefined, ['[CLS]', 'cats', '[SEP]']],
  ] as const) {
    const [vector] = await (await open(t, { files }, { pooling, onAssumed })).embed(['cats'], never)
    isNear(t, vector, sumOf(...tokens))
  }
  t.strictSame(assumed, [])
  const folder = await open(t, {}, { onAssumed })
  const named = await open(t, {}, { pooling: 'mean', onAssumed })
  t.match(assumed, [/1_Pooling\/config\.json .*assuming "mean".*set EMBEDDING_POOLING$/])
  t.equal(named.model.split('#')[1], folder.model.split('#')[1], 'naming the default does not change the vectors')
})

t.test('pooling stands where modules.json says', async t => {
  const modules = [
    { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
    { idx: 1, name: '1', path: 'elsewhere', type: 'sentence_transformers.models.Pooling' },
    { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
  ]
  const embedder = await open(t, {
    files: { 'modules.json': modules, 'elsewhere/config.json': { pooling_mode_cls_token: true } },
  })
  isNear(t, (await embedder.embed(['cats'], never))[0], sumOf('[CLS]'))
})

t.test(
  'token_embeddings will do; a graph that pools by itself is believed, whatever comes after it elsewhere',
  async t => {
    const tokens = await open(t, { output: 'token_embeddings' })
    isNear(t, (await tokens.embed(['cats'], never))[0], sumOf('[CLS]', 'cats', '[SEP]'))
    const modules = [{ idx: 0, name: '0', path: '2_Dense', type: 'sentence_transformers.models.Dense' }]
    const sentences = await open(t, { output: 'sentence_embedding', files: { 'modules.json': modules } })
    const vectors = await sentences.embed(['cats', 'dogs'], never)
    isNear(t, vectors[0], sumOf('[CLS]', 'cats', '[SEP]'))
    isNear(t, vectors[1], sumOf('[CLS]', 'dogs', '[SEP]'))
  },
)

for (const side of ['right', 'left']) {
  t.test(`a batch gives what each text gives alone, in order, filled up on the ${side}`, async t => {
    const config = { tokenizer_class: 'BertTokenizer', model_max_length: 48, pad_token: '[PAD]', padding_side: side }
    const embedder = await open(t, {
      files: { 'tokenizer_config.json': config, '1_Pooling/config.json': { pooling_mode_mean_tokens: true } },
    })
    const texts = [
      'cats',
      'dogs bark: birds sing',
      'birds',
      'cats sleep '.repeat(8),
      'dogs dogs',
      'sing',
      'bark bark bark',
    ]
    const together = await embedder.embed(texts, never)
    for (const [i, text] of texts.entries()) isNear(t, together[i], (await embedder.embed([text], never))[0]!, text)
    isNear(
      t,
      together[3],
      sumOf('[CLS]', ...Array.from({ length: 8 }, () => ['cats', 'sleep']).flat(), '[SEP]'),
      'nothing is cut',
    )
  })
}

t.test('prefixes: of the folder, each before its kind of text; a text is a passage unless said otherwise', async t => {
  const files = { 'config_sentence_transformers.json': { prompts: { query: 'query: ', document: 'passage: ' } } }
  const embedder = await open(t, { files })
  isNear(t, (await embedder.embed(['cats'], never, 'query'))[0], sumOf('[CLS]', 'query', ':', 'cats', '[SEP]'))
  for (const kind of ['passage', undefined] as const) {
    isNear(t, (await embedder.embed(['cats'], never, kind))[0], sumOf('[CLS]', 'passage', ':', 'cats', '[SEP]'))
  }
  t.equal(embedder.countTokens('cats'), 1, 'a prefix is no part of the text')
  t.equal(embedder.maxTokens, 26, 'and has its room kept free')
})

t.test('prefixes: the settings go before the folder', async t => {
  const files = {
    'config_sentence_transformers.json': { prompts: { query: '', passage: 'passage: ' }, default_prompt_name: null },
  }
  const embedder = await open(t, { files }, { prefixes: { query: 'birds: ' } })
  isNear(t, (await embedder.embed(['cats'], never, 'query'))[0], sumOf('[CLS]', 'birds', ':', 'cats', '[SEP]'))
  isNear(t, (await embedder.embed(['cats'], never))[0], sumOf('[CLS]', 'passage', ':', 'cats', '[SEP]'))
})

t.test('empty and over-long texts are refused, the longest that fits is not', async t => {
  const embedder = await open(t, {}, { prefixes: { query: 'query: ' } })
  for (const text of ['', ' \n ', 'cats '.repeat(embedder.maxTokens + 1)]) {
    await t.rejects(embedder.embed(['fine', text], never), { code: 'model_rejected' })
  }
  const longest = 'cats '.repeat(embedder.maxTokens)
  t.equal(embedder.countTokens(longest), embedder.maxTokens)
  isNear(t, (await embedder.embed([longest], never))[0], sumOf('[CLS]', ...longest.trim().split(' '), '[SEP]'))
})

t.test('white space makes no difference', async t => {
  const [a, b] = await (await open(t)).embed(['cats  sleep\n\nbirds', ' cats sleep birds '], never)
  isNear(t, a, b!)
})

t.test('no texts: no vectors', async t => {
  t.strictSame(await (await open(t)).embed([], never), [])
})

t.test('a name stands for what vectors depend on: wherever the folder lies, however it is asked', async t => {
  const folder = t.testdir({
    here: { tiny: tinyModel() },
    there: { tiny: tinyModel() },
    other: { tiny: tinyModel({ output: 'token_embeddings' }) },
  })
  const nameOf = async (place: string, prefixes = {}) => {
    const embedder = await openOnnxEmbedder({ path: join(folder, place, 'tiny'), languages: 'any', prefixes })
    await embedder.close()
    return embedder.model
  }
  const name = await nameOf('here')
  t.match(name, /^onnx:tiny#/)
  t.equal(await nameOf('there', { query: 'query: ' }), name, 'questions are compared with the same vectors')
  const prefixed = await nameOf('there', { passage: 'passage: ' })
  mkdirSync(join(folder, 'there/tiny/1_Pooling'))
  writeFileSync(join(folder, 'there/tiny/1_Pooling/config.json'), '{"pooling_mode_cls_token": true}')
  t.equal(new Set([name, prefixed, await nameOf('there'), await nameOf('other')]).size, 4)
})

t.test('the model file: in onnx/ or not, of any name if it is named', async t => {
  for (const file of ['onnx/model_quantized.onnx', 'model.onnx', 'model_quantized.onnx']) {
    isNear(t, (await (await open(t, { file })).embed(['cats'], never))[0], sumOf('[CLS]', 'cats', '[SEP]'), file)
  }
  for (const file of ['onnx/model_qint8_avx512.onnx', 'mine.onnx']) {
    const folder = t.testdir(tinyModel({ file }))
    const embedder = await openOnnxEmbedder({ path: join(folder, file), languages: ['en'] })
    t.teardown(() => embedder.close())
    t.equal(embedder.dimensions(), width, file)
  }
})

t.test('a relative folder is looked for where Askwell was started', async t => {
  const embedder = await openOnnxEmbedder({ path: relative(process.cwd(), t.testdir(tinyModel())), languages: 'any' })
  t.teardown(() => embedder.close())
  t.equal(embedder.dimensions(), width)
})

const lfs = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 470301610\n'
const noModel = { 'onnx/model.onnx': null }
const dense = [{ type: 'sentence_transformers.models.Dense', path: '2_Dense' }]
const faulty: [name: string, files: NonNullable<TinyModel['files']>, detail: RegExp][] = [
  ['no model', noModel, /has none of onnx\/model\.onnx, .*EMBEDDING_MODEL=onnx:FOLDER\/FILE\.onnx$/],
  [
    'no tokenizer',
    { 'tokenizer.json': null, 'tokenizer_config.json': null },
    /lacks tokenizer\.json, tokenizer_config\.json; copy/,
  ],
  ["Git's pointer instead of the model", { 'onnx/model.onnx': lfs }, /git lfs pull/],
  [
    'a broken model',
    { 'onnx/model.onnx': 'not a graph '.repeat(200) },
    /model\.onnx" does not run; check that the file is complete/,
  ],
  ['a broken tokenizer', { 'tokenizer.json': '{' }, /tokenizer\.json" is not a readable tokenizer/],
  ['broken JSON', { 'config.json': '{' }, /config\.json" is not valid JSON/],
  [
    'no limit',
    {
      'config.json': { model_type: 'bert' },
      'sentence_bert_config.json': null,
      'tokenizer_config.json': { model_max_length: 1e30 },
    },
    /how long a text may be.*sentence_bert_config\.json$/,
  ],
  ['a layer behind the graph', { 'modules.json': dense }, /does not run/],
]
for (const [name, files, detail] of faulty) {
  t.test(`${name}: refused with what to do`, async t => {
    await t.rejects(open(t, { files }), { code: 'model_failed', detail })
  })
}

t.test('a layer behind the graph: the cause says how to export it', async t => {
  const error = await open(t, { files: { 'modules.json': dense } }).then(
    () => null,
    (reason: Error) => reason.cause,
  )
  t.match(String(error), /models\.Dense.*optimum-cli export onnx --library sentence_transformers/)
})

t.test('no such folder: refused with its whole path', async t => {
  await t.rejects(openOnnxEmbedder({ path: 'no/such/folder', languages: 'any' }), {
    code: 'model_failed',
    detail: new RegExp(`"${process.cwd()}/no/such/folder" does not exist`),
  })
})

t.test('an abort drops what is queued, at once', async t => {
  const embedder = await open(t)
  const controller = new AbortController()
  const bulk = embedder.embed(
    Array.from({ length: 2000 }, () => 'cats sleep'),
    controller.signal,
  )
  controller.abort(new Error('not needed any more'))
  await t.rejects(bulk, { message: 'not needed any more' })
  await t.resolves(embedder.embed(['next'], never))
  await t.rejects(embedder.embed(['x'], controller.signal), { message: 'not needed any more' })
})

t.test('a question goes before a bulk that came first', async t => {
  const embedder = await open(t)
  const ended: string[] = []
  const bulk = embedder
    .embed(
      Array.from({ length: 200 }, (_, i) => `cats ${'sleep '.repeat(i % 20)}`),
      never,
    )
    .then(() => ended.push('bulk'))
  const question = embedder.embed(['Who asks?'], never, 'query').then(() => ended.push('question'))
  await Promise.all([bulk, question])
  t.strictSame(ended, ['question', 'bulk'])
})

t.test('closed: nothing is taken', async t => {
  const embedder = await open(t)
  await embedder.close()
  await t.rejects(embedder.embed(['late'], never), { code: 'model_failed' })
})
