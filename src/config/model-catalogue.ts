/** A file of a model: where it is at its address, what it is called in the folder, and its SHA-256 where it is known. */
export interface CatalogueFile {
  readonly from: string
  readonly to: string
  /** In hexadecimal. If it is absent, that of the first pull is recorded and compared from then on. */
  readonly sha256?: string
}

/** A model that `askwell models pull` knows. */
export interface CatalogueModel {
  readonly name: string
  readonly kind: 'embedding' | 'reranker'
  /** Folder of the hub, with a revision; `main` where none is known. */
  readonly address: string
  readonly files: readonly CatalogueFile[]
  readonly license: string
  /** Of all files, in megabytes. */
  readonly megabytes: number
  /** Languages that it reads, or 'any' for about a hundred. */
  readonly languages: readonly string[] | 'any'
  /** Put before a question and before a passage, verbatim. */
  readonly prefixes?: { readonly query: string; readonly passage: string }
  readonly pooling?: 'mean' | 'cls'
  /** What the card of the model says, for choosing. */
  readonly note: string
}

const hub = 'https://huggingface.co'

/** What both kinds of model need, as `transformers.js` and sentence-transformers lay it out. */
function filesOf(model: string, sums: Readonly<Record<string, string>> = {}): readonly CatalogueFile[] {
  const files: readonly (readonly [from: string, to: string])[] = [
    ['config.json', 'config.json'],
    ['tokenizer.json', 'tokenizer.json'],
    ['tokenizer_config.json', 'tokenizer_config.json'],
    [model, model],
  ]
  return files.map(([from, to]) => ({ from, to, ...(sums[from] !== undefined && { sha256: sums[from] }) }))
}

const quantized = 'onnx/model_quantized.onnx'

/**
 * None of these was ever pulled where Askwell is made, because the hub cannot be reached from there: `askwell models
 * list` says so. The revisions and sums are those that others have published for these files.
 */
export const modelCatalogue: readonly CatalogueModel[] = [
  {
    name: 'multilingual-e5-small',
    kind: 'embedding',
    address: `${hub}/Xenova/multilingual-e5-small/resolve/761b726dd34fb83930e26aab4e9ac3899aa1fa78`,
    files: filesOf(quantized, {
      'config.json': 'cb99455288675345e1a4f411438d5d0adbba5fbd3a67ea4fb03c015433b996c1',
      'tokenizer.json': '0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39',
      'tokenizer_config.json': 'a1d6bc8734a6f635dc158508bef000f8e2e5a759c7d92f984b2c86e5ff53425b',
      [quantized]: 'f80102d3f2a1229f387d3c81909990d8945513e347b0eab049f7de3c6f98c193',
    }),
    license: 'MIT',
    megabytes: 135,
    languages: 'any',
    prefixes: { query: 'query: ', passage: 'passage: ' },
    pooling: 'mean',
    note: 'the first to try: small, quick, a hundred languages, texts of up to 512 tokens',
  },
  {
    name: 'multilingual-e5-base',
    kind: 'embedding',
    address: `${hub}/Xenova/multilingual-e5-base/resolve/main`,
    files: filesOf(quantized),
    license: 'MIT',
    megabytes: 296,
    languages: 'any',
    prefixes: { query: 'query: ', passage: 'passage: ' },
    pooling: 'mean',
    note: 'better than small, and about three times as slow',
  },
  {
    name: 'bge-m3',
    kind: 'embedding',
    address: `${hub}/Xenova/bge-m3/resolve/0304fba9855cf475521c7fb1199d623f1cc82b73`,
    files: filesOf(quantized),
    license: 'MIT',
    megabytes: 587,
    languages: 'any',
    prefixes: { query: '', passage: '' },
    pooling: 'cls',
    note: 'the largest: slow without a GPU, texts of up to 8192 tokens',
  },
  {
    name: 'bge-small-en',
    kind: 'embedding',
    address: `${hub}/Xenova/bge-small-en-v1.5/resolve/b7ad92a45a298ac620504489f28ecb6ac66ad67c`,
    files: filesOf(quantized),
    license: 'MIT',
    megabytes: 35,
    languages: ['en'],
    prefixes: { query: 'Represent this sentence for searching relevant passages: ', passage: '' },
    pooling: 'cls',
    note: 'English only, the quickest',
  },
  {
    name: 'gte-multilingual-base',
    kind: 'embedding',
    address: `${hub}/onnx-community/gte-multilingual-base/resolve/2edbf5e672aab465f9ed4c154a8b61791c082c69`,
    files: filesOf(quantized),
    license: 'Apache-2.0',
    megabytes: 357,
    languages: 'any',
    prefixes: { query: '', passage: '' },
    pooling: 'cls',
    note: 'seventy languages, texts of up to 8192 tokens',
  },
  {
    name: 'ms-marco-minilm-l6',
    kind: 'reranker',
    address: `${hub}/Xenova/ms-marco-MiniLM-L-6-v2/resolve/fec3517fe1016cfeee39338ef98ba76fc449dbcc`,
    files: filesOf(quantized),
    license: 'Apache-2.0',
    megabytes: 24,
    languages: ['en'],
    note: 'English, quick',
  },
  {
    name: 'ms-marco-minilm-l12',
    kind: 'reranker',
    address: `${hub}/Xenova/ms-marco-MiniLM-L-12-v2/resolve/e04b920da17733eae4f09d5a9395a8b15981a77e`,
    files: filesOf(quantized),
    license: 'Apache-2.0',
    megabytes: 35,
    languages: ['en'],
    note: 'English, twice as slow as l6',
  },
  {
    name: 'mmarco-minilm-l12',
    kind: 'reranker',
    address: `${hub}/cross-encoder/mmarco-mMiniLMv2-L12-H384-v1/resolve/main`,
    files: filesOf('onnx/model.onnx'),
    license: 'Apache-2.0',
    megabytes: 488,
    languages: ['ar', 'de', 'en', 'es', 'fr', 'hi', 'id', 'it', 'ja', 'nl', 'pt', 'ru', 'vi', 'zh'],
    note: 'fourteen languages, and others to a degree',
  },
]

export function inCatalogue(name: string): CatalogueModel | undefined {
  return modelCatalogue.find(each => each.name === name)
}
