import type { Json } from './terms.ts'

/** Of a document's metadata as JSON in UTF-8: it is kept once, comes back with every passage, and stands in cached answers. */
export const mostMetadataBytes = 16 * 1024

/** Front matter of more characters is refused unread: what it says would be too much in any notation. */
export const mostFrontMatter = 4 * mostMetadataBytes

/** Characters of a title; the rest of it is cut. As long as `PUT /documents` takes one. */
export const longestTitle = 1000

/** A heading of more characters is a paragraph: as a heading it would stand in every chunk below it. */
export const longestHeading = 500

/** Characters of what a chunk is headed by, its document's title and the headings above it. */
export const longestPath = 2000

/** Of an address that a citation links to; a longer one is none. */
export const longestUrl = 2000

/** What is wrong with metadata that is too much, to follow the document's name; null: nothing is. */
export function metadataFault(metadata: Json): string | null {
  const bytes = Buffer.byteLength(JSON.stringify(metadata))
  if (bytes <= mostMetadataBytes) return null
  return `has ${inEnglish(bytes)} bytes of metadata, and at most ${inEnglish(mostMetadataBytes)} are kept with a document (as JSON in UTF-8): put long texts into the document itself`
}

/** `16,384` */
export function inEnglish(count: number): string {
  return count.toLocaleString('en')
}

/** At most so many UTF-16 units, whole characters, with an ellipsis in the place of what is missing. */
export function clipped(text: string, most: number): string {
  if (text.length <= most) return text
  const kept = text.slice(0, most - 1)
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}…`
}
