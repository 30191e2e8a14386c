import {
  float,
  inFolders,
  int,
  int64,
  ints,
  message,
  tensorType,
  tokenizer,
  type Field,
  type Folder,
} from './onnx-model.ts'

/**
 * A cross-encoder of a few kilobytes with its tokenizer, in the files that exporters write. It is a real ONNX graph
 * that counts the words which question and text have in common: its logit is the sum over all pairs of equal words. It
 * tells the question from the text by the token types.
 */
export interface TinyCrossEncoder {
  /** The words it knows. It cannot read a text with `broken`, the last one: the runtime fails on it. */
  readonly words: readonly string[]
  /** Logits per pair; of two, the first is the negative of the second, so their difference is twice the logit. */
  readonly logits?: 1 | 2 | 3
  /** Multiplications of large matrices per batch, each some 20 ms of work. */
  readonly work?: number
  readonly maxTokens?: number
  /** Additional or replaced files of the folder; null removes a file. */
  readonly files?: Readonly<Record<string, object | string | Uint8Array | null>>
}

export const broken = 'unreadable'

const marks = ['[PAD]', '[UNK]', '[CLS]', '[SEP]']

/** Folder contents for `t.testdir`. */
export function tinyCrossEncoder({
  words,
  logits = 1,
  work = 0,
  maxTokens = 64,
  files = {},
}: TinyCrossEncoder): Folder {
  const mark = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } })
  const pair = [
    mark('[CLS]', 0),
    { Sequence: { id: 'A', type_id: 0 } },
    mark('[SEP]', 0),
    { Sequence: { id: 'B', type_id: 1 } },
    mark('[SEP]', 1),
  ]
  return inFolders({
    'tokenizer.json': tokenizer([...marks, ...words, broken], pair),
    'tokenizer_config.json': {
      tokenizer_class: 'BertTokenizer',
      model_max_length: maxTokens,
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
    },
    'model.onnx': graph(words.length, logits, work),
    ...files,
  })
}

/** The score of a pair with this logit. */
export function scoreOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit))
}

/** Field numbers are from onnx.proto3. */
function graph(words: number, logits: 1 | 2 | 3, work: number): Uint8Array {
  const outputs = { 1: ['logit'], 2: ['against', 'logit'], 3: ['against', 'logit', 'logit'] }[logits]
  const nodes = [
    // A row of zeros for each mark, and a single 1 for each word. The row of `broken` is missing.
    node('Gather', ['table', 'input_ids'], 'rows'),
    cast('token_type_ids', 'isText'),
    cast('attention_mask', 'isToken'),
    node('Sub', ['isToken', 'isText'], 'isQuestion'),
    ...countsOf('isText', 'ofText'),
    ...countsOf('isQuestion', 'ofQuestion'),
    node('Mul', ['ofText', 'ofQuestion'], 'shared'),
    node('ReduceSum', ['shared'], 'sum', ints('axes', [2]), int('keepdims', 0)),
    ...labour(work),
    node('Neg', ['logit'], 'against'),
    node('Concat', outputs, 'logits', int('axis', 1)),
  ]
  const inputs = ['input_ids', 'attention_mask', 'token_type_ids'].map((name): Field => [
    11,
    tensorType(name, int64, ['batch', 'tokens']),
  ])
  const body = message(
    ...nodes.map((each): Field => [1, each]),
    [2, 'tiny'],
    [5, tensor('table', [marks.length + words, Math.max(1, words)], tableOf(words))],
    [5, tensor('zero', [], [0])],
    [5, tensor('zeros', [size, size], new Float32Array(size * size))],
    ...inputs,
    [12, tensorType('logits', float, ['batch', logits])],
  )
  return message([1, 8], [7, body], [8, message([1, ''], [2, 12])])
}

/** How often each word is among the tokens that `which` selects. */
function countsOf(which: string, result: string): Uint8Array[] {
  return [node('Unsqueeze', [which], `${which}Row`, ints('axes', [1])), node('MatMul', [`${which}Row`, 'rows'], result)]
}

const size = 512

/** Adds zero to the sum, in a way that takes time: it depends on the sum, so that nothing is computed in advance. */
function labour(work: number): Uint8Array[] {
  const steps = Array.from({ length: work }, (_, i) => node('MatMul', [`matrix${i}`, `matrix${i}`], `matrix${i + 1}`))
  return [
    node('ReduceMax', ['sum'], 'most', int('keepdims', 0)),
    node('Mul', ['most', 'zero'], 'nothing'),
    node('Add', ['zeros', 'nothing'], 'matrix0'),
    ...steps,
    node('ReduceMax', [`matrix${work}`], 'still', int('keepdims', 0)),
    node('Add', ['sum', 'still'], 'logit'),
  ]
}

function tableOf(words: number): number[] {
  const rows = marks.length + words
  return Array.from({ length: rows * words }, (_, at) => (Math.floor(at / words) - marks.length === at % words ? 1 : 0))
}

function tensor(name: string, shape: readonly number[], numbers: ArrayLike<number>): Uint8Array {
  const dims = shape.map((dim): Field => [1, dim])
  return message(...dims, [2, float], [8, name], [9, new Uint8Array(Float32Array.from(numbers).buffer)])
}

function cast(input: string, output: string): Uint8Array {
  return node('Cast', [input], output, int('to', float))
}

function node(type: string, inputs: readonly string[], output: string, ...attributes: Uint8Array[]): Uint8Array {
  return message(
    ...inputs.map((input): Field => [1, input]),
    [2, output],
    [4, type],
    ...attributes.map((each): Field => [5, each]),
  )
}
