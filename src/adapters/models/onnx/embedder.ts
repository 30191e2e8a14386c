import { createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import type { Embedder, TextKind } from '../../../ask/retrieval/embedder.ts'
import { AskError, isAskError } from '../../../errors.ts'
import { createWorkerPool } from '../worker-pool.ts'
import { plainText } from '../local/tokens.ts'
import { onnxModelName } from '../names.ts'
import { readOnnxFolder, type OnnxFolder } from './folder.ts'
import { unusable } from './json.ts'
import { openTokenCounter, type TokenCounter } from './tokens.ts'
import type { WorkerSettings } from './worker.ts'
import { noPrefixes, type Prefixes } from '../prefixes.ts'

export interface OnnxEmbedderOptions {
  /** The folder of a model, or one of the `.onnx` files in it; relative to where Askwell was started. */
  readonly path: string
  readonly languages: readonly string[] | 'any'
  /** Instead of those the folder names. */
  readonly prefixes?: Partial<Prefixes>
}

/** A paragraph or two: longer windows blur what a vector says, whatever the model could take. */
const bestWindow = 256
/** A question waits for at most so many windows of a bulk load; they are of about one length, so little is filled up. */
const textsAtOnce = 4
/** Of one text; beyond that, models of this size gain little. */
const mostCores = 4
const program = new URL('./worker.ts', import.meta.url)

/**
 * A sentence model in an ONNX folder on disk. It runs in one worker thread, since another would hold the model once
 * more, and leaves a core to the rest. Rejects when the folder, the package or the model is no good, and says what to
 * do: a first text is embedded here.
 */
export async function openOnnxEmbedder({
  path,
  languages,
  prefixes: asked = {},
}: OnnxEmbedderOptions): Promise<Embedder> {
  const folder = await readOnnxFolder(path)
  const prefixes = { ...noPrefixes, ...folder.prefixes, ...asked }
  const tokens = await openTokenCounter(folder.folder)
  const maxTokens = folder.maxTokens - roomAround(prefixes, tokens)
  const pool = createWorkerPool({ program, size: 1, textsAtOnce, data: workerSettings(folder) })

  function refuseUnfit(text: string): void {
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
    texts.forEach(refuseUnfit)
    return await inOrderOfLength(
      texts.map(text => prefixes[kind] + plainText(text)),
      async sorted => await pool.embed(sorted, signal),
    )
  }

  return {
    model: nameOf(folder, prefixes),
    dimensions: await firstLength(pool, folder),
    maxTokens,
    windowTokens: Math.min(bestWindow, maxTokens),
    languages,
    readsCode: true,
    countTokens: tokens.count,
    counting: { onnx: folder.folder },
    embed,
    close: () => pool.close(),
  }
}

function workerSettings({ folder, file, pooling, maxTokens }: OnnxFolder): WorkerSettings {
  const cores = Math.max(1, Math.min(mostCores, availableParallelism() - 1))
  return { folder, file, pooling, maxTokens, cores }
}

/** What stands around a text, and two tokens for texts whose words only nearly add up to the whole. */
function roomAround({ query, passage }: Prefixes, { count, marks }: TokenCounter): number {
  return marks + Math.max(count(query), count(passage)) + 2
}

/** Texts of about one length side by side: what a batch is filled up with costs as much as text. */
async function inOrderOfLength(
  texts: readonly string[],
  embed: (sorted: readonly string[]) => Promise<Float32Array[]>,
): Promise<Float32Array[]> {
  const order = texts.map((_, i) => i).sort((a, b) => texts[a]!.length - texts[b]!.length)
  const sorted = await embed(order.map(i => texts[i]!))
  const placeOf = new Map(order.map((i, place) => [i, place]))
  return texts.map((_, i) => sorted[placeOf.get(i)!]!)
}

function nameOf({ folder, fingerprint, pooling }: OnnxFolder, { passage }: Prefixes): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([fingerprint, pooling, passage]))
    .digest('hex')
  return onnxModelName(basename(folder), hash.slice(0, 12))
}

/** The length of a first vector, which also proves that the model runs. */
async function firstLength(pool: Pick<Embedder, 'embed' | 'close'>, { folder, file }: OnnxFolder): Promise<number> {
  try {
    const [vector] = await pool.embed(['dimensions'], new AbortController().signal)
    return vector!.length
  } catch (error) {
    await pool.close()
    throw isAskError(error)
      ? unusable(join(folder, file), 'does not run; is it whole, and the ONNX export of a sentence model?', error.cause)
      : error
  }
}
