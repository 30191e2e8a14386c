import { longestUrl } from '../../bounds.ts'
import type { Piece } from './pdf-pieces.ts'

/** A rectangle with an address, in the frame of the pieces. */
export interface Link {
  readonly left: number
  readonly right: number
  readonly bottom: number
  readonly top: number
  readonly url: string
}

/** More links on a page are not marked. */
const mostLinks = 500

/** Marks the words under each link as `[words](address)`, except where they are the address. */
export function withLinks(pieces: readonly Piece[], links: readonly Link[]): Piece[] {
  const usable = links.filter(({ url }) => url.length <= longestUrl).slice(0, mostLinks)
  if (usable.length === 0) return [...pieces]
  return pieces.map(piece => {
    const middle = piece.y + piece.size * 0.3
    const over = usable.filter(
      link => link.bottom <= middle && link.top >= middle && link.left < piece.x + piece.width && link.right > piece.x,
    )
    return over.length === 0 ? piece : { ...piece, text: marked(piece, over) }
  })
}

/** Goes word by word. The place of a word is estimated from the usual widths of its letters. */
function marked(piece: Piece, links: readonly Link[]): string {
  const words = piece.text.match(/\s*\S+/g) ?? []
  const scale = piece.width / Math.max(widthOf(piece.text), 0.1)
  let x = piece.x
  const runs: { url: string | undefined; text: string }[] = []
  for (const word of words) {
    const width = widthOf(word) * scale
    const middle = x + width / 2
    const url = links.find(({ left, right }) => left <= middle && right >= middle)?.url
    const last = runs.at(-1)
    if (last !== undefined && last.url === url) last.text += word
    else runs.push({ url, text: word })
    x += width
  }
  const end = /\s*$/.exec(piece.text)![0]
  return runs.map(({ url, text }) => (url === undefined ? text : linked(text, url))).join('') + end
}

function widthOf(text: string): number {
  let width = 0
  for (const character of text) {
    if (/[iljtfI.,;:'!|()\s[\]-]/.test(character)) width += 0.3
    else if (/[mwMW@%]/.test(character)) width += 0.85
    else width += /[\u2e80-\uffef]/.test(character) ? 1 : 0.54
  }
  return width
}

function linked(text: string, url: string): string {
  const words = text.trim()
  const space = text.slice(0, text.length - text.trimStart().length)
  const [, core = words, mark = ''] = /^(.*?)([.,;:]*)$/.exec(words) ?? []
  if (core === '' || bare(core) === bare(url)) return text
  const address = url.replace(/[\s()<>]/g, encodeURIComponent).replace(/[()]/g, sign => (sign === '(' ? '%28' : '%29'))
  return `${space}[${core.replace(/[[\]]/g, '')}](${address})${mark}`
}

function bare(address: string): string {
  return address
    .toLowerCase()
    .replace(/^<|>$/g, '')
    .replace(/^(?:https?:\/\/(?:www\.)?|www\.|mailto:|tel:)/, '')
    .replace(/[\s\u00ad<>]/g, '')
    .replace(/\/$/, '')
}
