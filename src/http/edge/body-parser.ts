import type { FastifyInstance } from 'fastify'
import { AskError, type Fault } from '../../errors.ts'
import { isCrowded } from './crowded.ts'
import { invalid, pointerTo } from '../replies/validation-errors.ts'
import { registerOversize } from './oversize.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Far more than any filter or metadata needs, far less than what exhausts a stack. */
const maxDepth = 64

/**
 * JSON bodies, read strictly. The framework's own parser would replace broken UTF-8 silently and not tell where
 * JSON breaks off; a NUL or half a surrogate pair would pass to the database, which cannot store it.
 */
export function registerBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  registerOversize(app)
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_: unknown, body: Buffer, done) => {
    const { value, error } = read(body)
    done(error, value)
  })
}

function read(body: Buffer): { readonly value?: unknown; readonly error: Error | null } {
  try {
    if (isCrowded(body))
      throw new AskError('invalid_request', {
        detail: 'the body has more than a quarter of a million values; send fewer documents at once, or less metadata',
      })
    const value = parsed(decoded(body))
    // Nearly all is well, and then no pointers need be written.
    if (!isStorable(value, 0)) throw invalid(unstorable(value, '', 0))
    return { value, error: null }
  } catch (error) {
    return { error: error as Error }
  }
}

function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === maxDepth) return false
  if (Array.isArray(value)) return value.every(each => isStorable(each, depth + 1))
  return Object.keys(value).every(
    name =>
      name !== '__proto__' &&
      isStorable(name, depth) &&
      isStorable((value as Record<string, unknown>)[name], depth + 1),
  )
}

function decoded(body: Buffer): string {
  try {
    return utf8.decode(body)
  } catch (cause) {
    throw new AskError('invalid_encoding', { detail: 'the body is not valid UTF-8', cause })
  }
}

function parsed(text: string): unknown {
  if (text.trim() === '') throw new AskError('invalid_json', { detail: 'the body is empty; send a JSON object' })
  try {
    return JSON.parse(text)
  } catch (cause) {
    // The engine's words: what it met, and at which line and column.
    throw new AskError('invalid_json', { detail: (cause as SyntaxError).message, cause })
  }
}

/** What JSON can say but a database cannot hold, or hold as it was said; found while it is asked for, as there may be millions. */
function* unstorable(value: unknown, pointer: string, depth: number): Generator<Fault> {
  if (typeof value === 'string' || typeof value === 'number') {
    for (const detail of complaints(value)) yield { pointer, detail }
  }
  if (typeof value !== 'object' || value === null) return
  if (depth === maxDepth) return yield { pointer, detail: `is nested deeper than ${maxDepth} levels` }
  for (const name in value) {
    const inner = (value as Record<string, unknown>)[name]
    if (name !== '__proto__' && isStorable(name, 0) && isStorable(inner, depth + 1)) continue
    yield* unstorableField(name, inner, pointerTo(pointer, name), depth)
  }
}

function* unstorableField(name: string, value: unknown, pointer: string, depth: number): Generator<Fault> {
  // Harmless here, but whoever copies it field by field would change an object's prototype.
  if (name === '__proto__') return yield { pointer, detail: 'is not a possible name' }
  for (const detail of complaints(name)) yield { pointer, detail }
  yield* unstorable(value, pointer, depth + 1)
}

function complaints(value: string | number): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : ['is too large a number']
  if (value.includes('\0')) return ['must not hold a NUL character']
  return value.isWellFormed() ? [] : ['must be well-formed Unicode (it holds half a surrogate pair)']
}
