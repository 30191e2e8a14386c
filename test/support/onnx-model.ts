/**
 * A sentence model of a few hundred bytes with its tokenizer, in the files that exporters write. It is a real ONNX
 * graph that looks up a row of numbers for every token. The expected vector can be calculated from {@link rowOf}.
 */

/** Words are whole tokens; any other word is [UNK]. */
const vocabulary = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  'query',
  'passage',
  ':',
  'cats',
  'dogs',
  'birds',
  'sleep',
  'bark',
  'sing',
]
export const width = 8

/** The numbers of a token: in [-1, 1), different for every token, and deterministic. */
export function rowOf(token: string): number[] {
  const id = Math.max(1, vocabulary.indexOf(token))
  return Array.from({ length: width }, (_, i) => Math.fround(Math.sin((id + 1) * (i + 2) * 1.7)))
}

export interface TinyModel {
  /** Output of the graph: one row per token, or the mean of all rows of a text. */
  readonly output?: 'last_hidden_state' | 'token_embeddings' | 'sentence_embedding'
  /** Path of the graph; default `onnx/model.onnx`. */
  readonly file?: string
  /** Additional or replaced files of the folder; null removes a file. Objects are written as JSON. */
  readonly files?: Readonly<Record<string, object | string | Uint8Array | null>>
}

/** Folder contents for `t.testdir`. */
export function tinyModel({
  output = 'last_hidden_state',
  file = 'onnx/model.onnx',
  files = {},
}: TinyModel = {}): Folder {
  const usual = {
    'config.json': { model_type: 'bert', hidden_size: width, max_position_embeddings: 64 },
    'tokenizer.json': tokenizer(vocabulary),
    'tokenizer_config.json': {
      tokenizer_class: 'BertTokenizer',
      model_max_length: 48,
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
    },
    'sentence_bert_config.json': { max_seq_length: 32 },
    [file]: graph(output),
  }
  return inFolders({ ...usual, ...files })
}

export type Folder = { [name: string]: Folder | string | Buffer }

/** Nests the files by the folders in their paths. */
export function inFolders(files: NonNullable<TinyModel['files']>): Folder {
  const root: Folder = {}
  for (const [path, content] of Object.entries(files)) {
    const names = path.split('/')
    const folder = names.slice(0, -1).reduce<Folder>((parent, name) => (parent[name] ??= {}) as Folder, root)
    if (content !== null) folder[names.at(-1)!] = asFile(content)
  }
  return root
}

function asFile(content: object | string | Uint8Array): string | Buffer {
  if (content instanceof Uint8Array) return Buffer.from(content)
  return typeof content === 'string' ? content : JSON.stringify(content)
}

/** A WordPiece tokenizer; `pair` is its template for two texts. */
export function tokenizer(vocabulary: readonly string[], pair: readonly object[] = []): object {
  const special = (content: string) => ({
    id: vocabulary.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })
  const mark = (id: string) => ({ SpecialToken: { id, type_id: 0 } })
  const marks = { '[CLS]': 2, '[SEP]': 3 }
  return {
    version: '1.0',
    // Exported tokenizers truncate and pad unless that is turned off.
    truncation: { max_length: 4, strategy: 'LongestFirst', stride: 0, direction: 'Right' },
    padding: null,
    added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map(special),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [mark('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, mark('[SEP]')],
      pair,
      special_tokens: Object.fromEntries(
        Object.entries(marks).map(([id, number]) => [id, { id, ids: [number], tokens: [id] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((token, i) => [token, i])),
    },
  }
}

/** Field numbers are from onnx.proto3. */
function graph(output: NonNullable<TinyModel['output']>): Uint8Array {
  const isPooled = output === 'sentence_embedding'
  const rows = isPooled ? 'rows' : output
  const lookUp = message([1, 'table'], [1, 'input_ids'], [2, rows], [4, 'Gather'])
  const mean = message([1, rows], [2, output], [4, 'ReduceMean'], [5, ints('axes', [1])], [5, int('keepdims', 0)])
  const shape = isPooled ? ['batch', width] : ['batch', 'tokens', width]
  const nodes: Field[] = [[1, lookUp], ...(isPooled ? [[1, mean] as const] : [])]
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name): Field => [
    11,
    tensorType(name, int64, ['batch', 'tokens']),
  ])
  const body = message(...nodes, [2, 'tiny'], [5, table()], ...inputs, [12, tensorType(output, float, shape)])
  const opset = message([1, ''], [2, 13])
  return message([1, 8], [7, body], [8, opset])
}

export const float = 1
export const int64 = 7

function table(): Uint8Array {
  const numbers = Float32Array.from(vocabulary.flatMap(rowOf))
  return message([1, vocabulary.length], [1, width], [2, float], [8, 'table'], [9, new Uint8Array(numbers.buffer)])
}

export function tensorType(name: string, type: number, dims: readonly (string | number)[]): Uint8Array {
  const shape = message(...dims.map((dim): Field => [1, message(typeof dim === 'number' ? [1, dim] : [2, dim])]))
  return message([1, name], [2, message([1, message([1, type], [2, shape])])])
}

export function int(name: string, value: number): Uint8Array {
  return message([1, name], [3, value], [20, 2])
}

export function ints(name: string, values: readonly number[]): Uint8Array {
  return message([1, name], ...values.map((value): Field => [8, value]), [20, 7])
}

export type Field = readonly [number: number, value: number | string | Uint8Array]

/** A protobuf message: integers as varints, everything else with its length in front. */
export function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [varint(number << 3), varint(value)]
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      return [varint((number << 3) | 2), varint(bytes.length), bytes]
    }),
  )
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
