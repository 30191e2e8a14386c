import type { PreTrainedTokenizer } from '@huggingface/transformers'

/** A question and a text in the form the model was trained on, as token ids. */
export interface EncodedPair {
  readonly ids: readonly number[]
  /** The segment of each token: 0 for the question, 1 for the text; all 0 where the model has no segments. */
  readonly types: readonly number[]
}

export interface PairEncoder {
  /** Tokens of a text, without special tokens. */
  encode(text: string): readonly number[]
  /** Cuts the end of the text where the pair is too long, never the question. Null when the question alone is too long. */
  join(question: readonly number[], text: readonly number[], maxTokens: number): EncodedPair | null
}

/** A part of the text that is shorter than this shows nothing about it. */
const leastText = 16

/**
 * Joins questions and texts as the tokenizer does (`[CLS] question [SEP] text [SEP]` in BERT). What it puts around them
 * is learned from one pair, because its own truncation would cut the end mark too. Null when it cannot join two texts:
 * then the model is not a cross-encoder.
 */
export function createPairEncoder(tokenizer: PreTrainedTokenizer): PairEncoder | null {
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false })
  const sample = encode('a')
  const { ids, types } = encodedPair(tokenizer, 'a', 'a')
  const question = indexOf(ids, sample, 0)
  const text = question < 0 ? -1 : indexOf(ids, sample, question + sample.length)
  if (sample.length === 0 || text < 0) return null
  const [afterQuestion, afterText] = [question + sample.length, text + sample.length]
  const mark = (from: number, to?: number) => ({ ids: ids.slice(from, to), types: types.slice(from, to) })
  const [before, between, after] = [mark(0, question), mark(afterQuestion, text), mark(afterText)]
  const marks = ids.length - 2 * sample.length

  function join(asked: readonly number[], read: readonly number[], maxTokens: number): EncodedPair | null {
    const room = maxTokens - marks - asked.length
    if (room < Math.min(leastText, read.length)) return null
    const kept = read.slice(0, room)
    return {
      ids: [...before.ids, ...asked, ...between.ids, ...kept, ...after.ids],
      types: [
        ...before.types,
        ...asked.map(() => types[question]!),
        ...between.types,
        ...kept.map(() => types[text]!),
        ...after.types,
      ],
    }
  }

  return { encode, join }
}

function encodedPair(tokenizer: PreTrainedTokenizer, first: string, second: string): EncodedPair {
  const { input_ids: ids, token_type_ids: types = ids.map(() => 0) } = tokenizer(first, {
    text_pair: second,
    return_tensor: false,
    return_token_type_ids: true,
  }) as { readonly input_ids: number[]; readonly token_type_ids?: number[] }
  return { ids, types }
}

function indexOf(ids: readonly number[], wanted: readonly number[], from: number): number {
  for (let at = from; at + wanted.length <= ids.length; at++) if (wanted.every((id, i) => ids[at + i] === id)) return at
  return -1
}
