import { indentOf } from './indent.ts'

/**
 * Parts that documentation tools add to Markdown: tabs and notes of MkDocs (`=== "Tab"`, `!!! note`), containers of
 * Docusaurus, VitePress and MyST (`:::tip`), directives of MyST in fences, components such as `<TabItem>`, and
 * definition lists. CommonMark sees indented code and stray signs in them.
 *
 * They are rewritten to plain Markdown between two comments, which expand-html.ts turns into titled parts. The comments
 * contain a word that the document does not.
 */
export interface Marked {
  readonly text: string
  readonly mark: string
}

export function markDirectives(markdown: string): Marked {
  let mark = 'askwell-part'
  while (markdown.includes(mark)) mark += '-'
  const isPlain = !/^[ \t>]*(?:===|!!!|\?\?\?|:::|:[ \t]|`{3,}\{|~{3,}\{|:{3,}|<\/?[A-Z])/m.test(markdown)
  if (isPlain) return { text: markdown, mark }
  const lines = markdown.split(/\r\n|\r|\n/)
  return { text: rewritten(lines, mark, 0).join('\n'), mark }
}

/** Deeper parts stay as they are written, because each level is read again. */
const deepest = 20

interface Found {
  /** Index of the line after the part. */
  readonly next: number
  readonly title: string
  /** `none`: only the content stays. */
  readonly kind: 'heading' | 'line' | 'none'
  readonly content: readonly string[]
  readonly indent: string
}

interface Level {
  readonly lines: readonly string[]
  readonly closings: ReadonlyMap<number, number>
}

function rewritten(lines: readonly string[], mark: string, depth: number): string[] {
  if (depth > deepest) return [...lines]
  const level: Level = { lines, closings: closingsOf(lines) }
  const all: string[] = []
  let inList = false
  for (let i = 0; i < lines.length;) {
    const line = lines[i]!
    if (/^(?:[-+*]|\d{1,9}[.)])[ \t]/.test(line)) inList = true
    else if (/^\S/.test(line)) inList = false
    const found = inList || indentOf(line) < 4 ? partAt(level, i) : undefined
    if (found !== undefined) {
      for (const each of markedPart(found, mark, depth)) all.push(each)
      i = found.next
      continue
    }
    const end = fenceEnd(lines, i)
    for (; i <= end; i++) all.push(lines[i]!)
  }
  return all
}

function markedPart({ title, kind, content, indent }: Found, mark: string, depth: number): string[] {
  const inside = rewritten(content, mark, depth + 1)
  const isTitled = kind !== 'none' && title !== ''
  const part = isTitled
    ? ['', `<!--${mark} ${kind}-->`, '', `###### ${title}`, '', ...inside, '', `<!--${mark} end-->`, '']
    : ['', ...inside, '']
  return part.map(line => (line === '' ? '' : indent + line))
}

function partAt(level: Level, i: number): Found | undefined {
  const line = level.lines[i]!
  switch (line.trimStart()[0]) {
    case '=':
    case '!':
    case '?':
      return indented(level, i)
    case ':':
      return container(level, i)
    case '`':
    case '~':
      return fencedDirective(level, i)
    case '<':
      return component(level, i)
    default:
      return definition(level, i)
  }
}

/** Removes up to `columns` of indentation. */
function dedented(line: string, columns: number): string {
  let column = 0
  let at = 0
  while (column < columns && (line[at] === ' ' || line[at] === '\t')) {
    column += line[at] === ' ' ? 1 : 4 - (column % 4)
    at += 1
  }
  return ' '.repeat(Math.max(0, column - columns)) + line.slice(at)
}

/** MkDocs: a line with a title, and below it everything that is indented by four. */
function indented({ lines }: Level, i: number): Found | undefined {
  const found = /^([ \t]*)(===[!+]?|!!!|\?\?\?\+?)[ \t]*([^"]*?)[ \t]*(?:"((?:[^"\\]|\\.)*)")?[ \t]*$/.exec(lines[i]!)
  if (found === null) return undefined
  const [, indent = '', sign = '', words = '', quoted] = found
  const isTab = sign.startsWith('=')
  if (isTab ? quoted === undefined || words !== '' : !/^[A-Za-z][\w -]*$/.test(words)) return undefined
  const { content, next } = indentedLines(lines, i + 1, indentOf(lines[i]!) + 4)
  if (content.every(line => line.trim() === '')) return undefined
  const given = quoted?.replace(/\\(.)/g, '$1')
  if (isTab) return { next, indent, content, title: given ?? '', kind: 'heading' }
  return { next, indent, content, ...titleOf(words, given) }
}

function indentedLines(lines: readonly string[], from: number, columns: number) {
  let next = from
  let end = from
  for (; next < lines.length; next++) {
    const line = lines[next]!
    if (line.trim() === '') continue
    if (indentOf(line) < columns) break
    end = next + 1
  }
  return { content: lines.slice(from, end).map(line => dedented(line, columns)), next: end }
}

/** Names that say only that it is a note. */
const notes = new Set(
  (
    'note notes tip tips hint info information important warning caution danger error attention seealso success check ' +
    'question faq help failure bug example examples quote cite abstract summary tldr todo details secondary admonition'
  ).split(' '),
)

/** A title of its own is a heading; "Note" alone only begins the text. An empty title in quotes means none. */
function titleOf(name: string, given: string | undefined): Pick<Found, 'title' | 'kind'> {
  const title = given?.trim()
  const [first = ''] = name
    .toLowerCase()
    .replace(/^callout-/, '')
    .split(/[\s.]+/)
  if (title !== undefined && title !== '') return { title, kind: title.toLowerCase() === first ? 'line' : 'heading' }
  if (title === '' || !notes.has(first) || first === 'details' || first === 'admonition')
    return { title: '', kind: 'none' }
  return { title: first === 'seealso' ? 'See also' : first[0]!.toUpperCase() + first.slice(1), kind: 'line' }
}

const containerStart = /^([ \t]*)(:{3,})[ \t]*(?:\{?\.?([A-Za-z][\w:.-]*)\}?)(.*)$/
const pandocStart = /^([ \t]*)(:{3,})[ \t]*\{([^}]*)\}[ \t]*:*[ \t]*$/

/** `:::tip Title`, `:::tip[Title]`, `::: {.callout-note title="Title"}`, `:::{note} Title`, up to the line of colons. */
function container({ lines, closings }: Level, i: number): Found | undefined {
  const end = closings.get(i)
  if (end === undefined) return undefined
  const line = lines[i]!
  const pandoc = pandocStart.exec(line)
  const found = pandoc ?? containerStart.exec(line)
  if (found === null) return undefined
  const indent = found[1]!
  const content = withoutOptions(lines.slice(i + 1, end)).map(each => dedented(each, indentOf(line)))
  const names = pandoc === null ? found[3]! : (/\.([\w-]+)/.exec(found[3]!)?.[1] ?? found[3]!.trim())
  const rest = pandoc === null ? found[4]! : found[3]!
  const given = titleIn(rest, pandoc !== null)
  return { next: end + 1, indent, content, ...titleOf(names, given) }
}

function titleIn(rest: string, isAttributes: boolean): string | undefined {
  const attribute = /(?:title|label)=(?:"([^"]*)"|'([^']*)')/.exec(rest)
  if (attribute !== null) return attribute[1] ?? attribute[2]
  if (isAttributes) return undefined
  const bracketed = /^[ \t]*\[(.*)\][ \t]*(?:\{[^}]*\})?[ \t]*$/.exec(rest)
  const title = (bracketed?.[1] ?? rest.replace(/\{[^}]*\}[ \t]*$/, '')).trim()
  return title === '' ? undefined : title.replace(/^"(.*)"$/, '$1')
}

/** Options of MyST and of reStructuredText at the top of a directive: `:class: dropdown`, or YAML between `---`. */
function withoutOptions(content: readonly string[]): readonly string[] {
  let from = 0
  if (content[0]?.trim() === '---') {
    const end = content.findIndex((line, i) => i > 0 && line.trim() === '---')
    if (end > 0 && content.slice(1, end).every(line => /^\s*[\w-]+:|^\s*$/.test(line))) return content.slice(end + 1)
  }
  while (from < content.length && /^[ \t]*:[\w-]+:(?:[ \t]|$)/.test(content[from]!)) from += 1
  return content.slice(from)
}

/** MyST: a fence whose language is a directive in braces. */
function fencedDirective({ lines }: Level, i: number): Found | undefined {
  const found = /^([ \t]*)(`{3,}|~{3,})\{([\w:-]+)\}[ \t]*(.*)$/.exec(lines[i]!)
  if (found === null) return undefined
  const [, indent = '', , name = '', rest = ''] = found
  const end = fenceEnd(lines, i)
  const isClosed = /^[ \t]*(?:`{3,}|~{3,})[ \t]*$/.test(lines[end]!) && end > i
  const body = withoutOptions(lines.slice(i + 1, isClosed ? end : end + 1)).map(line =>
    dedented(line, indentOf(lines[i]!)),
  )
  const part = { next: end + 1, indent, content: body }
  if (/^(?:toctree|contents|include|index|image|raw|bibliography)$/.test(name))
    return { ...part, content: [], title: '', kind: 'none' }
  if (
    /^(?:dropdown|tab-item|card|grid-item-card|topic|sidebar|margin|rubric|figure|glossary|tab-set|grid|list-table|div)$/.test(
      name,
    ) ||
    notes.has(name)
  )
    return { ...part, ...titleOf(name, name === 'figure' || rest.trim() === '' ? undefined : rest) }
  if (/^(?:version(?:added|changed)|deprecated)$/.test(name))
    return {
      ...part,
      title: `${name.replace('version', '').replace(/^./, first => first.toUpperCase())} in ${rest.trim()}`,
      kind: 'line',
    }
  return undefined
}

/** Components of Docusaurus, Mintlify and others that have a title. */
const titled =
  'TabItem|Tab|Accordion|Step|Card|Expandable|Admonition|Callout|Note|Tip|Info|Warning|Check|Danger|Caution|Aside'
const wrappers = 'Tabs|CodeGroup|AccordionGroup|AccordionItem|Steps|CardGroup|Columns|Frame|CodeTabs'
const openTag = new RegExp(
  `^([ \\t]*)<(${titled}|${wrappers})(?=[\\s>])((?:"[^"]*"|'[^']*'|\\{[^}]*\\}|[^>"'{])*)>(.*)$`,
)
const closeTag = new RegExp(`^(.*)</(${titled}|${wrappers})>[ \\t]*$`)

/** A component whose tags are on lines of their own, or that is one line. */
function component({ lines, closings }: Level, i: number): Found | undefined {
  const found = openTag.exec(lines[i]!)
  if (found === null || /\/\s*$/.test(found[3]!)) return undefined
  const [, indent = '', name = '', attributes = '', after = ''] = found
  const type = attributeOf(attributes, 'type') ?? name
  const titles = titleOf(type, componentTitle(name, attributes))
  if (after.endsWith(`</${name}>`))
    return { next: i + 1, indent, content: [after.slice(0, -name.length - 3)], ...titles }
  const end = closings.get(i)
  if (end === undefined) return undefined
  const before = closeTag.exec(lines[end]!)?.[1] ?? ''
  return { next: end + 1, indent, content: withoutIndent([after, ...lines.slice(i + 1, end), before]), ...titles }
}

function componentTitle(name: string, attributes: string): string | undefined {
  const given = attributeOf(attributes, 'label|title')
  return given ?? (name.startsWith('Tab') ? attributeOf(attributes, 'value|header|name') : undefined)
}

function attributeOf(attributes: string, names: string): string | undefined {
  const found = new RegExp(String.raw`(?:^|\s)(?:${names})=\{?(?:"([^"]*)"|'([^']*)'|\`([^\`]*)\`)`).exec(attributes)
  return found?.slice(1).find(value => value !== undefined)
}

/** Without the indentation that all lines share. */
function withoutIndent(lines: readonly string[]): string[] {
  const filled = lines.filter(line => line.trim() !== '')
  const columns = filled.reduce((least, line) => Math.min(least, indentOf(line)), Infinity)
  return lines.map(line => dedented(line, Number.isFinite(columns) ? columns : 0))
}

/** For each line that opens a container or a component, the line that closes it. */
function closingsOf(lines: readonly string[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  const open: { at: number; name: string; length: number }[] = []
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const colons = /^[ \t]*(:{3,})(.*)$/.exec(line)
    const opened = openTag.exec(line)
    const closed = closeTag.exec(line)
    if (colons !== null && colons[2]!.trim() === '') close('', colons[1]!.length, i)
    else if (colons !== null) open.push({ at: i, name: '', length: colons[1]!.length })
    else if (opened !== null && !opened[4]!.endsWith(`</${opened[2]}>`))
      open.push({ at: i, name: opened[2]!, length: 0 })
    else if (closed !== null && opened === null) close(closed[2]!, 0, i)
    else i = fenceEnd(lines, i)
  }
  return found

  /** Closes the innermost that fits; what was opened inside and not closed is plain text. */
  function close(name: string, length: number, at: number): void {
    const index = open.slice(-100).findLastIndex(each => each.name === name && each.length <= length)
    if (index < 0) return
    const from = Math.max(0, open.length - 100) + index
    found.set(open[from]!.at, at)
    open.length = from
  }
}

/** The last line of fenced code that opens at this line, otherwise this line. */
function fenceEnd(lines: readonly string[], i: number): number {
  const [, sign] = /^[ \t>]*(`{3,}(?=[^`]*$)|~{3,})/.exec(lines[i]!) ?? []
  if (sign === undefined) return i
  for (let end = i + 1; end < lines.length; end++) {
    const run = /^[ \t>]*(`{3,}|~{3,})[ \t]*$/.exec(lines[end]!)?.[1]
    if (run !== undefined && run[0] === sign[0] && run.length >= sign.length) return end
  }
  return lines.length - 1
}

const definitionLine = /^ {0,3}:(?: {1,3}|\t)[ \t]*(?=\S)/

/** `Term`, and on the next line `:   What it means`, with further paragraphs indented by four. */
function definition({ lines }: Level, i: number): Found | undefined {
  if (!isTerm(lines, i)) return undefined
  let next = i + 1
  if (lines[next]?.trim() === '') next += 1
  if (!isDefinition(lines, next)) return undefined
  const content: string[] = []
  while (isDefinition(lines, next)) {
    content.push(lines[next]!.replace(definitionLine, ''))
    next += 1
    for (; /^\S/.test(lines[next] ?? '') && !isDefinition(lines, next); next++) content.push(lines[next]!)
    const more = indentedLines(lines, next, 4)
    for (const line of more.content) content.push(line)
    content.push('')
    next = more.next
    if (lines[next]?.trim() === '' && isDefinition(lines, next + 1)) next += 1
  }
  const title = lines[i]!.trim()
  return { next, indent: '', content, title, kind: /[?？]$/.test(title) ? 'heading' : 'line' }
}

/** A line of text with a blank line above. */
function isTerm(lines: readonly string[], i: number): boolean {
  const term = lines[i]!
  const isText = /^ {0,3}[^\s#>|:`~<=-]/.test(term) && !/^ {0,3}(?:[-+*]|\d{1,9}[.)])[ \t]/.test(term)
  return isText && (i === 0 || lines[i - 1]!.trim() === '')
}

function isDefinition(lines: readonly string[], i: number): boolean {
  return definitionLine.test(lines[i] ?? '')
}
