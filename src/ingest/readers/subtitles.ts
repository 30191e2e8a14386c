import type { Block } from './compose.ts'
import { UnreadableError, type Content } from './content.ts'

interface Cue {
  /** In seconds. */
  readonly start: number
  readonly end: number
  readonly speaker: string | undefined
  readonly text: string
}

const timing = /^\s*((?:\d{1,6}:)?\d{1,2}:\d{2}[.,]\d{1,3})\s*-->\s*((?:\d{1,6}:)?\d{1,2}:\d{2}[.,]\d{1,3})(?:\s|$)/

/** A paragraph becomes a section with the time as its heading after so many seconds or characters. */
const sectionSeconds = 60
const longestParagraph = 1200
/** A pause of this many seconds begins a paragraph. */
const pauseSeconds = 4

/**
 * Reads subtitles (`.srt`, `.vtt`): cues joined to paragraphs, with the names of speakers. About once a minute a heading
 * has the time, so that a citation names it.
 */
export function readSubtitles(text: string): Content {
  const cues = cuesOf(text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n'))
  if (cues === null) throw new UnreadableError('is damaged or not a file of subtitles (.srt, .vtt)')
  return { blocks: blocksOf(cues) }
}

function blocksOf(cues: readonly Cue[]): Block[] {
  const blocks: Block[] = []
  let since = -Infinity
  let last: Cue | null = null
  let paragraph = ''
  const flush = () => {
    if (paragraph !== '') blocks.push({ kind: 'text', text: paragraph })
    paragraph = ''
  }
  for (const cue of cues) {
    if (beginsParagraph(cue, last, paragraph)) flush()
    const passed = cue.start - since
    if (passed >= 3 * sectionSeconds || (passed >= sectionSeconds && isSentenceEnd(paragraph))) {
      flush()
      blocks.push({ kind: 'heading', level: 2, text: clock(cue.start) })
      since = cue.start
    }
    const isNew = paragraph === '' && cue.speaker !== undefined
    paragraph = joined(paragraph, isNew ? `${cue.speaker}: ${cue.text}` : cue.text)
    last = cue
  }
  flush()
  return blocks
}

function beginsParagraph({ speaker, start }: Cue, last: Cue | null, paragraph: string): boolean {
  if (last === null) return true
  if ((speaker !== undefined && speaker !== last.speaker) || start - last.end >= pauseSeconds) return true
  return paragraph.length > longestParagraph || (isSentenceEnd(paragraph) && paragraph.length > longestParagraph / 2)
}

function isSentenceEnd(paragraph: string): boolean {
  return paragraph === '' || /[.!?…。！？]["'”’»)]?$/.test(paragraph)
}

/** Null if no line has the form of a time. */
function cuesOf(text: string): Cue[] | null {
  const cues: Cue[] = []
  let times: RegExpExecArray | null = null
  let lines: string[] = []
  let found = false
  const flush = () => {
    if (times !== null) cues.push(...cueOf(times, lines))
    times = null
    lines = []
  }
  for (const line of text.split('\n')) {
    const match = line.includes('-->') ? timing.exec(line) : null
    if (match !== null) {
      // Without an empty line between two cues, the number of the next one is the last line of this one.
      if (/^\d+$/.test(lines.at(-1) ?? '')) lines.pop()
      flush()
      times = match
      found = true
    } else if (line.trim() === '') flush()
    else if (times !== null) lines.push(line)
  }
  flush()
  return found || /^WEBVTT\b/.test(text) || text.trim() === '' ? cues : null
}

function cueOf([, start, end]: RegExpExecArray, lines: readonly string[]): Cue[] {
  const raw = lines.join('\n')
  const speaker =
    /<v(?:\.[^\s<>]{0,100})?\s([^<>]{1,200})>/.exec(raw)?.[1] ?? /^>>\s*([\p{Lu}][\p{L} .'-]{0,40}):/u.exec(raw)?.[1]
  const text = plain(raw.replace(/^>>\s*(?:[\p{Lu}][\p{L} .'-]{0,40}:)?/u, ''))
  return text === '' ? [] : [{ start: seconds(start!), end: seconds(end!), speaker: speaker && plain(speaker), text }]
}

/** Without tags, styles in braces (`{\an8}`) and escapes. */
function plain(text: string): string {
  return text
    .replace(/<\/?[a-zA-Z\d:][^<>]*>/g, '')
    .replace(/\{\\[^{}]*\}/g, '')
    .replaceAll('&nbsp;', ' ')
    .replaceAll('&lrm;', '')
    .replaceAll('&rlm;', '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replace(/\s+/g, ' ')
    .trim()
}

/** Subtitles that roll up repeat the line before. */
function joined(paragraph: string, text: string): string {
  if (paragraph === '') return text
  if (paragraph.endsWith(text)) return paragraph
  const isIdeographic =
    /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}，。、]$/u.test(paragraph) && /^[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]/u.test(text)
  return paragraph + (isIdeographic ? '' : ' ') + text
}

function seconds(time: string): number {
  return time
    .replace(',', '.')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0)
}

function clock(at: number): string {
  const two = (part: number) => String(Math.floor(part)).padStart(2, '0')
  return `${two(at / 3600)}:${two((at % 3600) / 60)}:${two(at % 60)}`
}
