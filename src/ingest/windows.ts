import type { Embedder } from '../ask/retrieval/embedder.ts'
import { tableHeaderAt } from '../text/table-rows.ts'
import { unitsOf, type Unit } from '../text/units.ts'
import { splitLong } from './split-span.ts'
import type { Chunk, ChunkWindow } from './terms.ts'

/** The properties of an embedding model that windows depend on. */
export type WindowModel = Pick<Embedder, 'countTokens' | 'maxTokens' | 'windowTokens' | 'readsCode'>

/**
 * The windows of a chunk: consecutive whole sentences, after the title, of a length that the embedding model handles
 * well. There is one window if the chunk fits. A sentence is only divided if it exceeds the input limit of the model.
 */
export function windowsOf(text: string, chunk: Chunk, language: string, model: WindowModel): ChunkWindow[] {
  const whole = { start: chunk.start, end: chunk.end }
  if (!model.readsCode) return proseWindows(text, chunk, language, model)
  if (tokensOf(text, chunk, whole, model) <= model.windowTokens) return [whole]
  return filled(text, chunk, unitsOf(text, chunk, language), model)
}

/**
 * Windows of the text between code blocks. A chunk of only code gets one window of its beginning, so it can be found.
 */
function proseWindows(text: string, chunk: Chunk, language: string, model: WindowModel): ChunkWindow[] {
  const units = unitsOf(text, chunk, language)
  const runs = proseRuns(units)
  if (runs.length === 0) return filled(text, chunk, units, model).slice(0, 1)
  return runs.flatMap(run => filled(text, chunk, run, model))
}

function proseRuns(units: readonly Unit[]): Unit[][] {
  const runs: Unit[][] = [[]]
  for (const unit of units) {
    if (unit.kind === 'code') runs.push([])
    else runs.at(-1)!.push(unit)
  }
  return runs.filter(run => run.length > 0)
}

function filled(text: string, chunk: Chunk, whole: readonly Unit[], model: WindowModel): ChunkWindow[] {
  const room = Math.max(1, model.windowTokens - model.countTokens(withTitle(shortTitle(chunk.title, model), '')))
  const pieceTokens = Math.min(room, model.maxTokens)
  const spans = whole.flatMap((unit): ChunkWindow[] =>
    tokensOf(text, chunk, unit, model) <= model.maxTokens
      ? [unit]
      : splitLong(text, unit, pieceTokens, slice => model.countTokens(embeddable(slice))),
  )
  const units = spans.map(({ start, end }) => {
    return { start, end, tokens: model.countTokens(bodyOf(text, chunk, { start, end })) }
  })
  const windows: ChunkWindow[] = []
  for (let first = 0; first < units.length;) {
    let last = lastOfWindow(units, first, room)
    // Token counts of parts do not add up exactly to that of the whole.
    while (last > first && tokensOf(text, chunk, spanOf(units, first, last), model) > model.windowTokens) last -= 1
    windows.push(spanOf(units, first, last))
    first = last + 1
  }
  return windows
}

/**
 * The text that is embedded for a window: `title. sentences` on one line, without code fences and without headings that
 * are part of the title. It never exceeds the input limit of the model.
 */
export function windowText(text: string, chunk: Chunk, window: ChunkWindow, model: WindowModel): string {
  const body = bodyOf(text, chunk, window)
  for (let title = titleOf(text, chunk, window, model); ; title = withoutFront(title)) {
    const full = withTitle(title, body)
    if (model.countTokens(full) <= model.maxTokens) return full
    if (title === '') throw new RangeError(`a window of ${body.length} characters exceeds the input limit of the model`)
  }
}

/** Tokens of a window, including the title. */
function tokensOf(text: string, chunk: Chunk, window: ChunkWindow, model: WindowModel): number {
  return model.countTokens(withTitle(titleOf(text, chunk, window, model), bodyOf(text, chunk, window)))
}

/** The title of a window that begins within a table ends with the header of the table. */
function titleOf(text: string, chunk: Chunk, window: ChunkWindow, model: WindowModel): string {
  const offset = window.start - chunk.start
  const header = tableHeaderAt(text.slice(chunk.start, chunk.end), offset, chunk.tableHeader)
  return shortTitle(header === null ? chunk.title : `${chunk.title}${separator}${header}`, model)
}

interface MeasuredSpan extends ChunkWindow {
  readonly tokens: number
}

function spanOf(units: readonly ChunkWindow[], first: number, last: number): ChunkWindow {
  return { start: units[first]!.start, end: units[last]!.end }
}

/** Fills windows evenly, for example three of 100 tokens rather than 128, 128 and 44. */
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
  const body = window.start === chunk.start ? withoutHeadings(slice, chunk.title) : slice
  return body.trim() === '' ? embeddable(slice) : embeddable(body)
}

/**
 * The text on one line without code fences. If there is nothing else they stay, because embedders reject empty text.
 */
export function embeddable(text: string): string {
  const unfenced = text.replace(/^[^\S\n]*(?:`{3,}|~{3,})[\w+.-]*[^\S\n]*$/gm, '')
  return (unfenced.trim() === '' ? text : unfenced).replace(/\s+/g, ' ').trim()
}

export const separator = ' › '

function withoutHeadings(text: string, title: string): string {
  const headings = new Set(title.split(separator))
  let rest = text
  for (
    let line = /^[^\n]*\n+/.exec(rest);
    line !== null && headings.has(line[0].trim());
    line = /^[^\n]*\n+/.exec(rest)
  ) {
    rest = rest.slice(line[0].length)
  }
  return rest
}

export function withTitle(title: string, body: string): string {
  if (title === '') return body
  return `${title}${/[.!?…。？！]$/.test(title) ? '' : '.'} ${body}`
}

/** Longer titles are cut before they are measured. Nobody writes them, but a row of a table may contain anything. */
const longestTitle = 600

/** By title. Each row of a wide table has the same title, which takes a hundred counts to shorten. */
const shortened = new WeakMap<WindowModel, Map<string, string>>()
const mostShortened = 16

/** The title in at most half a window. It is shortened from the front, because the last headings are most specific. */
export function shortTitle(title: string, model: WindowModel): string {
  const known = shortened.get(model) ?? new Map<string, string>()
  shortened.set(model, known)
  const short = known.get(title) ?? toHalfWindow(title, model)
  if (known.size >= mostShortened) known.clear()
  known.set(title, short)
  return short
}

function toHalfWindow(title: string, model: WindowModel): string {
  let short = title.length > longestTitle ? withoutFront(title.slice(-longestTitle)) : title
  while (short !== '' && model.countTokens(withTitle(short, '')) > model.windowTokens / 2) short = withoutFront(short)
  return short
}

/** The title without its first heading, or without its first word if only one heading is left. */
export function withoutFront(title: string): string {
  const heading = title.indexOf(separator)
  if (heading !== -1) return title.slice(heading + separator.length)
  const word = title.indexOf(' ')
  return word === -1 ? '' : title.slice(word + 1)
}
