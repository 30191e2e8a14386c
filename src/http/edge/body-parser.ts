import type { FastifyInstance } from 'fastify'
import { AskError, type Fault } from '../../errors.ts'
import { isCrowded } from './crowded.ts'
import { invalid, pointerTo } from '../replies/validation-errors.ts'
import { registerOversize } from './oversize.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Far more than any filter or metadata needs, far less than exhausts the stack. */
const maxDepth = 64

/**
 * Parses JSON bodies strictly. Fastify's own parser silently replaces invalid UTF-8 and does not report where JSON is
 * broken. It also lets through NUL characters and unpaired surrogates, which the database cannot store.
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
        detail: 'The body has more than 250,000 JSON values; send fewer documents per request, or less metadata.',
      })
    const value = parsed(decoded(body))
    // Checks first without building JSON pointers: almost every body is valid.
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
    throw new AskError('invalid_encoding', { detail: 'The body is not valid UTF-8.', cause })
  }
}

function parsed(text: string): unknown {
  if (text.trim() === '') throw new AskError('invalid_json', { detail: 'The body is empty; send a JSON object.' })
  try {
    return JSON.parse(text)
  } catch (cause) {
    // The engine's message names the unexpected text and its line and column.
    throw new AskError('invalid_json', { detail: `${(cause as SyntaxError).message}.`, cause })
  }
}

/**
 * Yields values that JSON allows but the database cannot store unchanged. Lazy, because there may be millions of them.
 */
function* unstorable(value: unknown, pointer: string, depth: number): Generator<Fault> {
  if (typeof value === 'string' || typeof value === 'number') {
    for (const detail of faultsOf(value)) yield { pointer, detail }
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
  // Harmless here, but code that copies the fields one by one would change an object's prototype.
  if (name === '__proto__') return yield { pointer, detail: 'is not an allowed name' }
  for (const detail of faultsOf(name)) yield { pointer, detail }
  yield* unstorable(value, pointer, depth + 1)
}

function faultsOf(value: string | number): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : ['is too large for a number']
  if (value.includes('\0')) return ['must not contain a NUL character']
  return value.isWellFormed() ? [] : ['must be well-formed Unicode (it contains an unpaired surrogate)']
}
