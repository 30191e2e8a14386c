import { clipped, longestHeading, longestTitle } from '../bounds.ts'
import type { Section } from '../terms.ts'
import type { Block } from './blocks.ts'
import { cleanLine, cleanText } from './clean-text.ts'
import { withQuestions } from './questions.ts'

export type { Block }

export interface Composed {
  readonly title: string
  readonly text: string
  readonly sections: readonly Section[]
}

type OpenSection = Omit<Section, 'end'>

/**
 * Joins blocks into one plain text, with each heading on its own line, and returns the sections with it. Blocks are
 * cleaned first, so that offsets stay valid. `title` takes precedence over the main heading, which takes precedence
 * over `fallbackTitle`.
 */
export function compose(
  blocks: readonly Block[],
  titles: { title?: string | undefined; fallbackTitle: string },
): Composed {
  const filled = withQuestions(blocks.map(cleaned).filter(block => block.text !== ''))
  const mainHeading = mainHeadingOf(filled)
  const title = clipped(
    cleanLine(titles.title ?? '') || mainHeading?.text || cleanLine(titles.fallbackTitle),
    longestTitle,
  )
  const isTitle = (block: Block): boolean => block === mainHeading && sameTitle(title, block.text)
  return { title, ...layOut(filled, isTitle) }
}

/** The only first-level heading, or the one at the very top. If there are several further down, none is the title. */
function mainHeadingOf(blocks: readonly Block[]): Block | undefined {
  const main = blocks.filter(block => block.kind === 'heading' && block.level === 1)
  return main.length === 1 || main[0] === blocks[0] ? main[0] : undefined
}

function cleaned(block: Block): Block {
  if (block.kind === 'heading') return cleanedHeading(block)
  // Leading spaces of the first line stay, because they may be the indentation of code.
  return {
    ...block,
    text: cleanText(block.text)
      .replace(/^(?:[^\S\n]*\n)+/, '')
      .trimEnd(),
  }
}

function cleanedHeading({ anchor, ...block }: Extract<Block, { kind: 'heading' }>): Block {
  // Manuals put a "¶" or "#" after a heading, as a link to it.
  const text = cleanLine(block.text).replace(/(?:\s+#|\s*[¶§])$/, '')
  if (text.length > longestHeading) return { kind: 'text', text }
  return { ...block, text, ...(anchor !== undefined && anchor.length <= longestHeading && { anchor }) }
}

/** Page titles often have the form "Heading | Site"; the heading is then redundant. */
function sameTitle(title: string, heading: string): boolean {
  return title.toLowerCase().includes(heading.toLowerCase())
}

function layOut(blocks: readonly Block[], isTitle: (block: Block) => boolean): Omit<Composed, 'title'> {
  const sections: Section[] = []
  const path: Heading[] = []
  let text = ''
  let open: OpenSection | null = null
  for (const block of blocks) {
    const start = text === '' ? 0 : text.length + 2
    const { page } = block
    if (open === null || block.kind === 'heading' || (page !== undefined && page !== open.page)) {
      if (open !== null) sections.push({ ...open, end: text.length })
      if (block.kind === 'heading') enter(path, block, isTitle(block))
      open = openSection(start, path, page)
    }
    text += (text === '' ? '' : '\n\n') + block.text
  }
  if (open !== null) sections.push({ ...open, end: text.length })
  return { text, sections }
}

interface Heading {
  readonly level: number
  /** Null for the heading that is the title of the document. */
  readonly text: string | null
  readonly anchor: string | undefined
}

function enter(path: Heading[], block: Extract<Block, { kind: 'heading' }>, isTitle: boolean): void {
  while (path.length > 0 && path[path.length - 1]!.level >= block.level) path.pop()
  path.push({ level: block.level, text: isTitle ? null : block.text, anchor: block.anchor })
}

function openSection(start: number, path: readonly Heading[], page: number | undefined): OpenSection {
  const anchor = path.findLast(heading => heading.anchor !== undefined)?.anchor
  return {
    start,
    headings: path.map(heading => heading.text).filter(text => text !== null),
    ...(page === undefined ? {} : { page }),
    ...(anchor === undefined ? {} : { anchor }),
  }
}
