import type { Block } from './compose.ts'
import { cleanText } from './clean-text.ts'
import type { Content } from './content.ts'

const longestTitle = 100

/** Reads plain text. A short first line with a blank line below it is the title. */
export function readText(text: string): Content {
  const lines = cleanText(text)
    .split('\n')
    .map(line => line.trimEnd())
  const clean = lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .replace(/^\n+/, '')
  const end = clean.indexOf('\n')
  const firstLine = end === -1 ? '' : clean.slice(0, end).trim()
  if (!isTitle(firstLine, clean.slice(end + 1))) return { blocks: [{ kind: 'text', text: clean }] }
  const heading: Block = { kind: 'heading', level: 1, text: firstLine }
  return { blocks: [heading, { kind: 'text', text: clean.slice(end + 1) }] }
}

/** A line that ends in a full stop, comma or colon is a sentence, not a title. */
function isTitle(line: string, below: string): boolean {
  const isShort = line.length > 0 && line.length <= longestTitle
  return isShort && !/[.,;:…]$/.test(line) && below.startsWith('\n') && below.trim() !== ''
}
