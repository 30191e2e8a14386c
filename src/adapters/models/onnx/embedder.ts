import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import type { Embedder, TextKind } from '../../../ask/retrieval/embedder.ts'
import { AskError, isAskError } from '../../../errors.ts'
import { createWorkerPool, type WorkerPool } from '../worker-pool.ts'
import { plainText } from '../local/tokens.ts'
import { onnxModelName } from '../names.ts'
import { readOnnxFolder, type OnnxFolder } from './folder.ts'
import { unusable } from './json.ts'
import { openTokenCounter, type TokenCounter } from './tokens.ts'
import type { Pooling } from './pooling.ts'
import { coresPerText } from './session.ts'
import type { WorkerSettings } from './worker.ts'
import { noPrefixes, type Prefixes } from '../prefixes.ts'

export interface OnnxEmbedderOptions {
  /** The folder of a model, or one of the `.onnx` files in it. Relative to the working directory at startup. */
  readonly path: string
  readonly languages: readonly string[] | 'any'
  /** Override the prefixes that the folder names. */
  readonly prefixes?: Partial<Prefixes>
  /** Overrides the pooling that the folder names. */
  readonly pooling?: Pooling | undefined
  /** Called with what was assumed because neither the folder nor a setting says it. */
  readonly onAssumed?: ((assumption: string) => void) | undefined
}

/** As in sentence-transformers itself. */
const defaultPooling = 'mean'

/** A paragraph or two: with longer windows the vector becomes vague, however much the model could take. */
const bestWindow = 256
/**
 * A question waits for at most this many windows of a bulk load. They are of similar length, so there is little
 * padding.
 */
const textsAtOnce = 4
const program = new URL('./worker.ts', import.meta.url)

/**
 * A sentence model in an ONNX folder on disk. It runs in one worker thread, because another would load the model a
 * second time, and leaves one core free for the rest. Rejects with what to do if the folder, the package or the model
 * is unusable: a first text is embedded here.
 */
export async function openOnnxEmbedder({
  path,
  languages,
  prefixes: overrides = {},
  pooling: wanted,
  onAssumed = () => {},
}: OnnxEmbedderOptions): Promise<Embedder> {
  const folder = await readOnnxFolder(path)
  const pooling = wanted ?? folder.pooling ?? defaultPooling
  const prefixes = { ...noPrefixes, ...folder.prefixes, ...overrides }
  const tokens = await openTokenCounter(folder.folder)
  const maxTokens = folder.maxTokens - overheadOf(prefixes, tokens)
  const pool = createWorkerPool<string, Float32Array>({
    name: 'The embedding model',
    program,
    size: 1,
    itemsAtOnce: textsAtOnce,
    data: workerSettings(folder, pooling),
  })

  function rejectUnfit(text: string): void {
    if (text.trim() === '') throw new AskError('model_rejected', { detail: 'An empty text has no vector.' })
    const count = tokens.count(text)
    if (count <= maxTokens) return
    throw new AskError('model_rejected', {
      detail: `A text of ${count} tokens is too long to embed; the model takes ${maxTokens}.`,
    })
  }

  async function embed(
    texts: readonly string[],
    signal: AbortSignal,
    kind: TextKind = 'passage',
  ): Promise<Float32Array[]> {
    texts.forEach(rejectUnfit)
    return await sortedByLength(
      texts.map(text => prefixes[kind] + plainText(text)),
      async sorted => await pool.run(sorted, signal),
    )
  }

  const length = await firstLength(pool, folder)
  if (wanted === undefined && folder.pooling === null) onAssumed(assumedPooling(folder.folder))
  return {
    model: nameOf(folder, pooling, prefixes),
    dimensions: () => length,
    maxTokens,
    windowTokens: Math.min(bestWindow, maxTokens),
    languages: languages === 'any' ? folder.languages : languages,
    readsCode: true,
    countTokens: tokens.count,
    counting: { onnx: folder.folder },
    embed,
    close: () => pool.close(),
  }
}

function assumedPooling(folder: string): string {
  return `the folder "${folder}" has no 1_Pooling/config.json that says how to pool; assuming "${defaultPooling}", unless the graph pools by itself. If the model's card says otherwise (such as "cls"), set EMBEDDING_POOLING`
}

function workerSettings(
  { setting, folder, file, maxTokens }: OnnxFolder,
  pooling: WorkerSettings['pooling'],
): WorkerSettings {
  return { setting, folder, file, pooling, maxTokens, cores: coresPerText() }
}

/** Tokens that surround every text, plus two for texts whose word counts do not quite add up to the whole. */
function overheadOf({ query, passage }: Prefixes, { count, marks }: TokenCounter): number {
  return marks + Math.max(count(query), count(passage)) + 2
}

/** Batches texts of similar length together, because padding costs as much as text. */
async function sortedByLength(
  texts: readonly string[],
  embed: (sorted: readonly string[]) => Promise<Float32Array[]>,
): Promise<Float32Array[]> {
  const order = texts.map((_, i) => i).sort((a, b) => texts[a]!.length - texts[b]!.length)
  const sorted = await embed(order.map(i => texts[i]!))
  const positions = new Map(order.map((i, position) => [i, position]))
  return texts.map((_, i) => sorted[positions.get(i)!]!)
}

function nameOf(
  { folder, fingerprint }: OnnxFolder,
  pooling: WorkerSettings['pooling'],
  { passage }: Prefixes,
): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([fingerprint, pooling, passage]))
    .digest('hex')
  return onnxModelName(basename(folder), hash.slice(0, 12))
}

/** Embeds a first text to learn the vector length, which also proves that the model runs. */
async function firstLength(
  pool: WorkerPool<string, Float32Array>,
  { setting, folder, file }: OnnxFolder,
): Promise<number> {
  try {
    const [vector] = await pool.run(['dimensions'], new AbortController().signal)
    return vector!.length
  } catch (error) {
    await pool.close()
    throw isAskError(error)
      ? unusable(
          setting,
          join(folder, file),
          'does not run; check that the file is complete and the ONNX export of a sentence model',
          error.cause,
        )
      : error
  }
}
