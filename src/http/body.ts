import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AskError, type Fault } from '../errors.ts'
import { invalid } from './problems.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * JSON bodies, read strictly: the framework's own parser would replace broken UTF-8 silently, and a NUL or a
 * lone surrogate would pass to the database, which cannot store it.
 */
export function registerBodyParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request: FastifyRequest, body, done) => {
    let text: string
    try {
      text = utf8.decode(body)
    } catch (cause) {
      done(new AskError('invalid_encoding', { detail: 'the body is not valid UTF-8', cause }))
      return
    }
    void parse(request, text, (error, value) => {
      const faults = error ? [] : unstorable(value, '')
      if (faults.length > 0) done(invalid(faults))
      else done(error, value)
    })
  })
}

function unstorable(value: unknown, pointer: string): Fault[] {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? [{ pointer, detail: complaint(value) }] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const below = `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    return [...unstorable(name, below), ...unstorable(inner, below)]
  })
}

function complaint(text: string): string {
  return text.includes('\0') ? 'must not hold a NUL character' : 'must be well-formed Unicode (it holds half a surrogate pair)'
}
