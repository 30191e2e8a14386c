import type { Block } from '../compose.ts'
import { readHtml } from '../html/html.ts'
import { htmlOf } from '../html/to-html.ts'

/** A slide as HTML, without its title. */
export interface Slide {
  /** From 1. */
  readonly number: number
  readonly title: string
  readonly html: string
  readonly notes: string
}

/** Each slide is a section with its title as heading and its number as page. */
export function slideBlocks(slides: readonly Slide[]): Block[] {
  return slides.flatMap(({ number, title, html, notes }): Block[] => {
    const body = readHtml(`<body>${html}${notes === '' ? '' : `<p>Notes:</p>${notes}`}</body>`)
      .blocks.map((block): Block => ({ kind: 'text', text: block.text, page: number }))
      .filter(({ text }) => text.trim() !== '')
    const notesAt = body.findIndex(({ text }) => text === 'Notes:')
    if (notesAt !== -1 && notesAt + 1 < body.length)
      body.splice(notesAt, 2, { kind: 'text', text: `Notes: ${body[notesAt + 1]!.text}`, page: number })
    const heading = title.trim() === '' ? `Slide ${number}` : title
    if (body.length === 0 && title.trim() === '') return []
    return [{ kind: 'heading', level: 2, text: heading, page: number }, ...body]
  })
}

export function hiddenSlides(numbers: readonly number[]): string[] {
  if (numbers.length === 0) return []
  const shown = numbers.slice(0, 10).join(', ')
  return [`has hidden slides, which were left out: ${shown}${numbers.length > 10 ? ', …' : ''}`]
}

/** A short first line stands in for a missing title. */
export function titleIn(text: string): string | undefined {
  const line = text.trim()
  return line !== '' && line.length <= 100 && !/[\n.,;:]$|\n/.test(line) ? line : undefined
}

export function altHtml(text: string | undefined): string {
  const useful = (text ?? '').replace(/\s*Description automatically generated\.?$/i, '').trim()
  return useful === '' || useful.length > 500 || /^(?:a )?picture(?: \d+)?$|\.\w{3,4}$/i.test(useful)
    ? ''
    : `<p>${htmlOf(useful)}</p>`
}
