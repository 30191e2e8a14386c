/** Markup within a line of reStructuredText, as HTML. */
import { escaped } from '../html/to-html.ts'

/** What names in a document stand for. */
export interface Names {
  readonly targets: ReadonlyMap<string, string>
  /** Targets of the anonymous references (`text`__), in order. */
  readonly anonymous: string[]
  readonly substitutions: ReadonlyMap<string, string>
}

/** Characters that substitutions may add in all. */
const maxSubstituted = 4_000_000
const longestSubstitution = 500

export function namesIn(lines: readonly string[]): Names {
  const targets = new Map<string, string>()
  const substitutions = new Map<string, string>()
  const anonymous: string[] = []
  const references = lines.reduce((count, line) => count + line.split('|').length - 1, 0)
  const longest = Math.min(longestSubstitution, Math.floor(maxSubstituted / (references + 1)))
  for (const line of lines) {
    const target = /^\s*\.\. _(`[^`]+`|(?![ _`])(?:[^:\\]|\\.|:(?!\s|$))+): +(\S+)$/.exec(line)
    const unnamed = /^\s*(?:\.\. __:|__) +(\S+)$/.exec(line)
    const replaced = /^\s*\.\. \|([^|]+)\| (replace|unicode|image)::\s*(.*)$/.exec(line)
    if (target !== null) targets.set(nameOf(target[1]!.replaceAll('`', '')), target[2]!)
    else if (unnamed !== null) anonymous.push(unnamed[1]!)
    else if (replaced !== null)
      substitutions.set(nameOf(replaced[1]!), replacement(replaced[2]!, replaced[3]!).slice(0, longest))
  }
  return { targets, anonymous, substitutions }
}

function nameOf(name: string): string {
  return name.replace(/\s+/g, ' ').trim().toLowerCase()
}

function replacement(kind: string, value: string): string {
  if (kind === 'image') return ''
  if (kind === 'replace') return value
  return value
    .replace(/\.\. .*$/, '')
    .replace(/\b(?:0x|x|\\x|U\+|u)([0-9a-f]{2,6})\b/gi, (_, code: string) => {
      const point = Number.parseInt(code, 16)
      return point <= 0x10ffff ? String.fromCodePoint(point) : ''
    })
    .replace(/\s/g, '')
}

/** Bounded, because every sign that is never closed would otherwise be looked for to the end. */
const markup = new RegExp(
  [
    String.raw`\\(?<escaped>[^])`,
    String.raw`\`\`(?<code>[^\`](?:[^]{0,1000}?[^\`])?)\`\``,
    String.raw`:(?<role>[A-Za-z][\w:+.-]{0,60}):\`(?<roleText>[^\`]{1,1000})\``,
    String.raw`\`(?<quoted>[^\`]{1,1000})\`(?<kind>__?(?!\w)|:[A-Za-z][\w:+.-]{0,60}:)?`,
    String.raw`\[(?<note>#?[\w-]{0,60}|\*)\]_(?!\w)`,
    String.raw`\|(?<name>[^|\s](?:[^|\n]{0,200}[^|\s])?)\|(?<nameLink>__?(?!\w))?`,
    String.raw`\*\*(?<strong>[^\s*](?:[^]{0,1000}?\S)?)\*\*`,
    String.raw`\*(?<emphasis>[^\s*](?:[^*]{0,1000}?[^\s*])?)\*`,
    String.raw`(?<url>https?:\/\/[^\s<>]{0,2000}[^\s<>.,;:!?)'"\]])`,
    String.raw`(?<![\w\`])(?<word>[A-Za-z0-9](?:[\w.-]{0,100}[A-Za-z0-9])?)__?(?![\w\`])`,
  ].join('|'),
  'g',
)

export function inlineHtml(text: string, names: Names): string {
  let html = ''
  let from = 0
  for (const found of text.matchAll(markup)) {
    html += escaped(text.slice(from, found.index)) + elementFor(found, names)
    from = found.index + found[0].length
  }
  return html + escaped(text.slice(from))
}

/** One function for each named group of {@link markup}; exactly one group is set, or it and a second one. */
const elements: Readonly<Record<string, (value: string, found: RegExpMatchArray, names: Names) => string>> = {
  escaped: value => (/\s/.test(value) ? '' : escaped(value)),
  code: value => `<code>${escaped(value)}</code>`,
  role: (value, { groups }, names) => roleHtml(value, groups?.['roleText'] ?? '', names),
  quoted: (value, { groups }, names) => {
    const kind = groups?.['kind']
    return kind?.startsWith('_') ? referenceHtml(value, kind, names) : roleHtml(kind?.slice(1, -1) ?? '', value, names)
  },
  note: value => `<sup>[${escaped(value)}]</sup>`,
  name: (value, found, names) => substituted(value, found.groups?.['nameLink'], names) ?? escaped(found[0]),
  strong: value => `<strong>${escaped(value)}</strong>`,
  emphasis: value => `<em>${escaped(value)}</em>`,
  url: value => link(value, value),
  word: (value, found, names) => {
    const target = names.targets.get(nameOf(value))
    if (target !== undefined) return link(value, target)
    return escaped(found[0].endsWith('__') ? found[0] : value)
  },
}

function elementFor(found: RegExpMatchArray, names: Names): string {
  for (const [group, write] of Object.entries(elements)) {
    const value = found.groups?.[group]
    if (value !== undefined) return write(value, found, names)
  }
  return escaped(found[0])
}

function substituted(name: string, reference: string | undefined, names: Names): string | undefined {
  const value = names.substitutions.get(nameOf(name))
  if (value === undefined) return undefined
  const target = reference === undefined ? undefined : names.targets.get(nameOf(name))
  return target === undefined ? inlineHtml(value, { ...names, substitutions: new Map() }) : link(value, target)
}

function link(text: string, target: string): string {
  return `<a href="${escaped(target)}">${escaped(text)}</a>`
}

/** `text <address>`_, or `text`_ with its address elsewhere. */
function referenceHtml(quoted: string, kind: string, names: Names): string {
  const text = quoted.replace(/\s+/g, ' ')
  const embedded = /^(.*?)\s*<([^<>]+)>$/.exec(text)
  if (embedded !== null) {
    const address = embedded[2]!.replace(/\\(.)/g, '$1')
    const own = embedded[1] === '' ? address : embedded[1]!
    return address.endsWith('_')
      ? link(own, names.targets.get(nameOf(address.slice(0, -1))) ?? '')
      : link(own, mailTo(address))
  }
  const target = kind === '__' ? names.anonymous.shift() : names.targets.get(nameOf(text))
  return target === undefined ? escaped(text) : link(text, target)
}

function mailTo(address: string): string {
  return /^[^\s:/@]+@[^\s:/@]+$/.test(address) ? `mailto:${address}` : address
}

const literal = /^(?:code|literal|samp|file|kbd|command|program|option|envvar|math|guilabel|menuselection)$/

/** A role of Sphinx shows its text; with an explicit target in angle brackets, only what is before it. */
function roleHtml(role: string, text: string, names: Names): string {
  const name = role.split(':').at(-1) ?? ''
  if (/^sup(?:erscript)?$/.test(name)) return `<sup>${escaped(text)}</sup>`
  if (/^sub(?:script)?$/.test(name)) return `<sub>${escaped(text)}</sub>`
  if (name === 'download') return escaped(text.replace(/\s*<[^<>]*>$/, ''))
  const shown = text.replace(/\s*<[^<>]*>$/, '').replace(/^[!~]/, '') || text
  if (literal.test(name) && name !== 'guilabel') return `<code>${escaped(shown)}</code>`
  if (role === '' && names.targets.has(nameOf(text))) return link(text, names.targets.get(nameOf(text))!)
  return escaped(shown)
}
