import { createHash } from 'node:crypto'
import { AskError } from '../errors.ts'
import type { ChunkKind, ChunkOverrides, ChunkSettings, StoredChunking } from './terms.ts'

export const chunkKinds = ['heading', 'row', 'document'] as const satisfies readonly ChunkKind[]

/** Maximum length of a chunk. Five chunks, a question and an answer fit the context of a small model. */
export const longestChunkTokens = 400
export const shortestChunkTokens = 50
/** For sentences that begin with "it" or "this". */
const usualOverlap = 40

export const defaultChunking: ChunkSettings = { size: longestChunkTokens, overlap: usualOverlap, by: 'heading' }

/**
 * The settings with defaults for what is not set. A newer version may have stored what this one does not know; then all
 * are the defaults.
 */
export function chunkSettings(overrides: ChunkOverrides): ChunkSettings {
  return chunkingFault(overrides) === null ? completed(overrides) : defaultChunking
}

/** A small chunk repeats less, and rows and paragraphs stand alone. */
function completed({ size = longestChunkTokens, by = 'heading', overlap }: ChunkOverrides): ChunkSettings {
  return { size, overlap: overlap ?? (by === 'row' ? 0 : Math.min(usualOverlap, Math.floor(size / 4))), by }
}

/** What is wrong with the settings and what to do about it, or null. */
export function chunkingFault(overrides: ChunkOverrides): string | null {
  const { size, overlap, by } = completed(overrides)
  if (!isWithin(size, shortestChunkTokens, longestChunkTokens))
    return `The size of chunks is ${size}: use a whole number of tokens from ${shortestChunkTokens} to ${longestChunkTokens}, because five chunks must fit a small model.`
  const most = mostOverlap(size)
  if (!isWithin(overlap, 0, most))
    return `The overlap is ${overlap} tokens: use at most ${most}, half the size of ${size}, or a larger size.`
  return chunkKinds.includes(by) ? null : `Divide by one of: ${chunkKinds.join(', ')}.`
}

export function mostOverlap(size: number): number {
  return Math.floor(size / 2)
}

function isWithin(number: number, from: number, to: number): boolean {
  return Number.isInteger(number) && number >= from && number <= to
}

/** The settings in two bytes, as marks of documents have them. Those of the defaults are 0. */
export function chunkingMark({ size, overlap, by }: ChunkSettings): Buffer {
  const mark = Buffer.alloc(2)
  const { size: usualSize, overlap: usual, by: usualKind } = defaultChunking
  if (size === usualSize && overlap === usual && by === usualKind) return mark
  const digest = createHash('sha256').update(`${size} ${overlap} ${by}`).digest()
  mark.writeUInt16BE(digest.readUInt16BE() || 1)
  return mark
}

/** Settings that the change does not have stay as they are or, with `isReset`, become the defaults. */
export interface ChunkingChange {
  readonly isReset: boolean
  readonly change: ChunkOverrides
}

/** The stored settings after the change. Throws `invalid_request` if they do not fit each other. */
export function changedChunking(stored: ChunkOverrides, { isReset, change }: ChunkingChange): StoredChunking {
  const overrides = isReset ? change : { ...stored, ...change }
  const fault = chunkingFault(overrides)
  if (fault !== null) throw new AskError('invalid_request', { detail: fault })
  return { overrides, mark: chunkingMark(chunkSettings(overrides)) }
}
