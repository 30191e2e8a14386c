import type { CacheDirectives } from '../../ask/terms/caching.ts'

const none: CacheDirectives = Object.freeze({})

/**
 * Parses the request's `Cache-Control` (RFC 9111, 5.2.1). Names are case-insensitive. Unknown directives and arguments
 * that are not a number of seconds are ignored; `max-stale` needs no argument.
 */
export function readCacheDirectives(header: string | undefined): CacheDirectives {
  if (header === undefined) return none
  const directives = new Map(header.split(',').map(parseDirective))
  const maxAge = secondsOf(directives.get('max-age'))
  const maxStale = directives.get('max-stale') === '' ? Infinity : secondsOf(directives.get('max-stale'))
  return {
    ...(directives.has('no-cache') ? { noCache: true } : {}),
    ...(directives.has('no-store') ? { noStore: true } : {}),
    ...(directives.has('only-if-cached') ? { onlyIfCached: true } : {}),
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(maxStale === undefined ? {} : { maxStale }),
  }
}

function parseDirective(text: string): [name: string, argument: string] {
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
