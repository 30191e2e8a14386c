import type { Embedder } from '../ask/embedder.ts'
import { unitsOf, type Unit } from './blocks.ts'
import { splitLong } from './split-span.ts'
import type { Chunk, ChunkWindow } from './terms.ts'

/** What windows need to know of an embedding model. */
export type WindowModel = Pick<Embedder, 'countTokens' | 'maxTokens' | 'windowTokens'>

/**
 * The windows of a chunk: runs of whole sentences that an embedding model reads well at once, with the title
 * in front. One window if the chunk fits; a sentence is divided only when the model cannot take it whole.
 */
export function windowsOf(text: string, chunk: Chunk, language: string, model: WindowModel): ChunkWindow[] {
  const whole = { start: chunk.start, end: chunk.end }
  if (fits(text, chunk, whole, model, model.windowTokens)) return [whole]
  const room = Math.max(1, model.windowTokens - model.countTokens(withTitle(shortTitle(chunk.title, model), '')))
  const spans = unitsOf(text, chunk, language).flatMap(unit => piecesOf(text, chunk, unit, model, room))
  const units = spans.map(span => ({ ...span, tokens: model.countTokens(bodyOf(text, chunk, span)) }))
  const windows: ChunkWindow[] = []
  for (let first = 0; first < units.length; ) {
    let last = lastOfWindow(units, first, room)
    // Tokens of parts only nearly add up to those of the whole.
    while (last > first && !fits(text, chunk, spanOf(units, first, last), model, model.windowTokens)) last -= 1
    windows.push(spanOf(units, first, last))
    first = last + 1
  }
  return windows
}

/**
 * The text that is embedded for a window: `title. sentences`, on one line, without the fences of code and
 * without headings that the title says already. Never longer than the model takes.
 */
export function windowText(text: string, chunk: Chunk, window: ChunkWindow, model: WindowModel): string {
  const body = bodyOf(text, chunk, window)
  for (let title = shortTitle(chunk.title, model); ; title = withoutFront(title)) {
    const full = withTitle(title, body)
    if (model.countTokens(full) <= model.maxTokens) return full
    if (title === '') throw new RangeError(`a window of ${body.length} characters is longer than the model takes`)
  }
}

function fits(text: string, chunk: Chunk, window: ChunkWindow, model: WindowModel, limit: number): boolean {
  return model.countTokens(withTitle(shortTitle(chunk.title, model), bodyOf(text, chunk, window))) <= limit
}

function piecesOf(text: string, chunk: Chunk, unit: Unit, model: WindowModel, room: number): ChunkWindow[] {
  const { start, end } = unit
  if (fits(text, chunk, unit, model, model.maxTokens)) return [{ start, end }]
  return splitLong(text, unit, Math.min(room, model.maxTokens), slice => model.countTokens(plain(slice)))
}

interface MeasuredSpan extends ChunkWindow {
  readonly tokens: number
}

function spanOf(units: readonly ChunkWindow[], first: number, last: number): ChunkWindow {
  return { start: units[first]!.start, end: units[last]!.end }
}

/** Fills windows evenly: three of 100 tokens rather than 128, 128 and 44. */
function lastOfWindow(units: readonly MeasuredSpan[], first: number, room: number): number {
  const rest = units.slice(first).reduce((sum, unit) => sum + unit.tokens, 0)
  const share = rest / Math.ceil(rest / room)
  let last = first
  let tokens = units[first]!.tokens
  while (last + 1 < units.length && tokens < share && tokens + units[last + 1]!.tokens <= room) {
    last += 1
    tokens += units[last]!.tokens
  }
  return last
}

function bodyOf(text: string, chunk: Chunk, window: ChunkWindow): string {
  const slice = text.slice(window.start, window.end)
  const body = plain(window.start === chunk.start ? withoutHeadings(slice, chunk.title) : slice)
  return body === '' ? slice.replace(/\s+/g, ' ').trim() : body
}

function plain(text: string): string {
  return text.replace(/^[^\S\n]*(?:`{3,}|~{3,})[^\n]*$/gm, '').replace(/\s+/g, ' ').trim()
}

const separator = ' › '

function withoutHeadings(text: string, title: string): string {
  const headings = new Set(title.split(separator))
  let rest = text
  for (let line = /^[^\n]*\n+/.exec(rest); line !== null && headings.has(line[0].trim()); line = /^[^\n]*\n+/.exec(rest)) {
    rest = rest.slice(line[0].length)
  }
  return rest
}

function withTitle(title: string, body: string): string {
  if (title === '') return body
  return `${title}${/[.!?…。？！]$/.test(title) ? '' : '.'} ${body}`
}

/** Longer titles are cut before they are measured: nobody writes them, but a row of a table may hold anything. */
const longestTitle = 600

/** The title, in at most half of a window; the last headings say most, so it gets shorter from the front. */
function shortTitle(title: string, model: WindowModel): string {
  let short = title.length > longestTitle ? withoutFront(title.slice(-longestTitle)) : title
  while (short !== '' && model.countTokens(withTitle(short, '')) > model.windowTokens / 2) short = withoutFront(short)
  return short
}

/** Without its first heading, or the first word of the last one. */
function withoutFront(title: string): string {
  const heading = title.indexOf(separator)
  if (heading !== -1) return title.slice(heading + separator.length)
  const word = title.indexOf(' ')
  return word === -1 ? '' : title.slice(word + 1)
}
