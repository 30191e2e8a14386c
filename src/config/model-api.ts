import { endpoint, type Kind } from './kinds.ts'

/** Paths that are appended to the base URL. */
const appended = /\/(chat\/completions|completions|embeddings|responses|models|rerank)\/?$/

/** Base URL of an OpenAI-compatible API, to which paths such as /chat/completions are appended. */
export const apiBase: Kind<string> = {
  allowed: `${endpoint.allowed}, such as http://127.0.0.1:11434/v1`,
  read: text => (endpoint.read(text) === undefined || baseFault(text) !== null ? undefined : text),
  faultOf: text => (endpoint.read(text) === undefined ? null : baseFault(text)),
}

function baseFault(text: string): string | null {
  const { pathname, hash } = new URL(text)
  const path = appended.exec(pathname)?.[1]
  if (path !== undefined)
    return `ends in /${path}, which Askwell appends itself; leave that out (most base URLs end in /v1)`
  return hash === '' ? null : 'has a # part, which is never sent; leave that out'
}

/** A key as it is sent: after "Bearer ", in a header. Spaces and line ends around it were removed before. */
export const apiKey: Kind<string> = {
  allowed: 'the key alone, of printable ASCII characters',
  read: text => (keyFault(text) === null ? text : undefined),
  faultOf: keyFault,
}

function keyFault(text: string): string | null {
  if (/[\r\n]/.test(text)) return 'has several lines; it must be the key alone, on one line'
  if (/^bearer\s/i.test(text)) return 'begins with "Bearer", which Askwell puts before it; leave that out'
  if (/^(["'`]).*\1$/s.test(text)) return 'is in quotation marks, which count as a part of it here; leave them out'
  const odd = /[^\t\x20-\x7e]/u.exec(text)
  if (odd === null) return null
  const code = odd[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
  return `has a character that no header can carry (U+${code}, the ${ordinal(odd.index + 1)} one); copy the key again, without invisible characters and dots for what was left out`
}

function ordinal(position: number): string {
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[position % 100 > 10 && position % 100 < 14 ? 0 : position % 10] ?? 'th'
  return `${position}${ending}`
}
