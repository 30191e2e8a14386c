import { UnreadableError } from '../content.ts'
import { scriptRun, type Position } from '../html/superscripts.ts'
import { walkXml, type XmlHandlers } from '../xml.ts'
import type { Archive } from '../zip.ts'

/** More characters would not fit into the memory of the process. */
const mostCharacters = 128 * 2 ** 20

/** The texts that cells refer to by number. */
export async function readSharedStrings(archive: Archive, part: string | undefined): Promise<readonly string[]> {
  const strings: string[] = []
  if (part === undefined || !archive.has(part)) return strings
  let characters = 0
  const text = createRichText()
  await walkXml(archive.stream(part), {
    open: (name, attributes) => {
      if (name === 'si') text.start()
      else text.handlers.open(name, attributes)
    },
    close: name => {
      text.handlers.close(name)
      if (name !== 'si') return
      const string = text.end()
      characters += string.length
      if (characters > mostCharacters) throw new UnreadableError('has too much text; split it into smaller documents')
      strings.push(string)
    },
    text: text.handlers.text!,
  })
  return strings
}

/** Collects the runs of a text without the pronunciation of Japanese. Raised and lowered runs become Unicode. */
export function createRichText() {
  let parts: string[] = []
  let isText = false
  let pronunciation = 0
  let way: Position | null = null
  const handlers: XmlHandlers = {
    open: (name, attributes) => {
      if (name === 't') isText = true
      else if (name === 'rPh') pronunciation += 1
      else if (name === 'r') way = null
      else if (name === 'vertAlign')
        way = attributes['val'] === 'superscript' ? 'sup' : attributes['val'] === 'subscript' ? 'sub' : null
    },
    close: name => {
      if (name === 't') isText = false
      else if (name === 'rPh') pronunciation -= 1
      else if (name === 'r') way = null
    },
    text: text => {
      if (!isText || pronunciation > 0) return
      const own = unescaped(text)
      parts.push(way === null ? own : scriptRun(own, way, parts.at(-1) ?? ''))
    },
  }
  return {
    handlers,
    start: () => {
      parts = []
      way = null
    },
    end: () => parts.join(''),
  }
}

/** Characters that XML does not allow are written as `_x000D_`. */
export function unescaped(text: string): string {
  return text.replace(/_x([\dA-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
