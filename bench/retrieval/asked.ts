import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { searchIn, type Wanted } from '../../src/ask/retrieval/retrieve.ts'
import type { Run } from '../../src/ask/terms/run.ts'
import { analyzeText } from '../../src/ask/retrieval/analyze-question.ts'
import type { Question } from './questions.ts'
import type { PassageSearch } from '../../src/ask/retrieval/passage-search.ts'
import type { Collection } from '../../src/ingest/terms.ts'

/** A question as the product's search takes it, from the file that load.ts made. */
export interface Asked {
  readonly number: number
  readonly wanted: Wanted
  readonly vector: Float32Array
}

export function readAsked(folder: string, size: string, collection: Collection): Asked[] {
  const lines = readFileSync(join(folder, `questions-${size}.jsonl`), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line, number) => {
    const { question, vector: numbers } = JSON.parse(line) as Question
    const vector = Float32Array.from(numbers)
    return { number, vector, wanted: wantedOf(question, vector, collection) }
  })
}

/** `collection`: the product's, with its embedding model. */
export function wantedOf(
  question: string,
  vector: Float32Array,
  { id, name, epoch, epochMark, model, efSearch, languages, windowCount, chunkCount, caching }: Collection,
): Wanted {
  const windowsPerChunk = Math.max(1, Math.ceil(windowCount / chunkCount))
  const collection = {
    id,
    name,
    epoch,
    epochMark,
    chunkCount,
    modelId: model!.id,
    windowsPerChunk,
    efSearch,
    languages,
    vectorWeights: {},
    calibration: null,
    caching,
  }
  return {
    asked: analyzeText(question, 'en'),
    vector,
    vectorWeight: 0.5,
    arm: 'fused',
    collection,
    filters: {},
    topK: 5,
  }
}

/** The product's retrieval from the words and the vector of a question to its five passages. */
export function retrievalFrom(store: PassageSearch) {
  const search = searchIn(store, () => ({ unrelated: 0.3, related: 0.7, span: 0.4 }), { fusion: 'weighted', rrfK: 60 })
  return async ({ wanted }: Asked) => await search(wanted, run)
}

const silent = () => {}

/** Nobody listens, and there is no hurry. */
const run: Run = {
  id: 'bench',
  signal: new AbortController().signal,
  deadline: Infinity,
  log: { debug: silent, info: silent, warn: silent, error: silent },
  isStreamed: false,
  onStage: silent,
}
