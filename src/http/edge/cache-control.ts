import type { CacheDirectives } from '../../ask/terms.ts'

const none: CacheDirectives = Object.freeze({})

/**
 * The request's `Cache-Control` (RFC 9111, 5.2.1). As there: names in any case, unknown directives ignored, and one
 * with an argument that is no number of seconds counts as not said; of `max-stale` that may be left out.
 */
export function readCacheDirectives(header: string | undefined): CacheDirectives {
  if (header === undefined) return none
  const said = new Map(header.split(',').map(directive))
  const maxAge = secondsOf(said.get('max-age'))
  const maxStale = said.get('max-stale') === '' ? Infinity : secondsOf(said.get('max-stale'))
  return {
    ...(said.has('no-cache') ? { noCache: true } : {}),
    ...(said.has('no-store') ? { noStore: true } : {}),
    ...(said.has('only-if-cached') ? { onlyIfCached: true } : {}),
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(maxStale === undefined ? {} : { maxStale }),
  }
}

function directive(text: string): [name: string, argument: string] {
  const [name = '', ...argument] = text.split('=')
  return [
    name.trim().toLowerCase(),
    argument
      .join('=')
      .trim()
      .replace(/^"(.*)"$/, '$1'),
  ]
}

function secondsOf(argument: string | undefined): number | undefined {
  return argument !== undefined && /^\d+$/.test(argument) ? Number(argument) : undefined
}
