import type { Json } from './terms.ts'

/**
 * Maximum bytes of a document's metadata as JSON in UTF-8. It is stored once, but returned with every passage and
 * copied into cached answers.
 */
export const maxMetadataBytes = 16 * 1024

/**
 * Longer front matter (in characters) is rejected without parsing, because its metadata would be too large in any
 * notation.
 */
export const maxFrontMatter = 4 * maxMetadataBytes

/** Maximum bytes of what is compressed to be kept (originals.ts); most larger files are compressed already. */
export const maxPlainOriginalBytes = 16 * 2 ** 20

/** Maximum characters of a title, as in `PUT /documents`. Longer titles are cut. */
export const longestTitle = 1000

/** A longer heading (in characters) becomes a paragraph, because a heading is repeated in every chunk below it. */
export const longestHeading = 500

/** Maximum characters of a chunk's title: the document title and the headings above the chunk. */
export const longestPath = 2000

/** Maximum characters of a URL that a citation links to. A longer one is ignored. */
export const longestUrl = 2000

/** Error text, to follow the document's name, if the metadata is too large; null if it is not. */
export function metadataFault(metadata: Json): string | null {
  const bytes = Buffer.byteLength(JSON.stringify(metadata))
  if (bytes <= maxMetadataBytes) return null
  return `has ${inEnglish(bytes)} bytes of metadata (as JSON in UTF-8), but the limit is ${inEnglish(maxMetadataBytes)}; move long texts into the document itself`
}

/** A number with thousands separators: `16,384`. */
export function inEnglish(count: number): string {
  return count.toLocaleString('en')
}

/** Cuts text to at most `maxUnits` UTF-16 units, between characters, and marks the cut with an ellipsis. */
export function clipped(text: string, maxUnits: number): string {
  if (text.length <= maxUnits) return text
  const prefix = text.slice(0, maxUnits - 1)
  return `${/[\ud800-\udbff]$/.test(prefix) ? prefix.slice(0, -1) : prefix}…`
}
