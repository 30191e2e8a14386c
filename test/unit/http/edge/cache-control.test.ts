import fc from 'fast-check'
import t from 'tap'
import type { CacheDirectives } from '../../../../src/ask/terms/caching.ts'
import { readCacheDirectives } from '../../../../src/http/edge/cache-control.ts'

const read: [header: string, wishes: CacheDirectives][] = [
  ['no-cache', { noCache: true }],
  ['no-store', { noStore: true }],
  ['only-if-cached', { onlyIfCached: true }],
  ['max-age=60', { maxAge: 60 }],
  ['max-age=0', { maxAge: 0 }],
  ['max-stale=60', { maxStale: 60 }],
  ['max-stale', { maxStale: Infinity }],
  ['max-age=5, max-stale=10,only-if-cached', { maxAge: 5, maxStale: 10, onlyIfCached: true }],
  // RFC 9111, 5.2: names in any case, an argument as a token or quoted.
  ['No-Cache', { noCache: true }],
  ['MAX-AGE="60"', { maxAge: 60 }],
  ['  no-store ,  max-age = 5 ', { noStore: true, maxAge: 5 }],
  ['no-cache=x', { noCache: true }],
  // RFC 9111, 1.2.2: what is too large to be counted is very large.
  ['max-stale=99999999999999999999', { maxStale: 1e20 }],
]
for (const [header, wishes] of read) {
  t.test(`"${header}" is understood`, async t => t.same(readCacheDirectives(header), wishes))
}

for (const header of [
  '',
  ',',
  'no-transform',
  'min-fresh=5',
  'public',
  'max-age',
  'max-age=',
  'max-age=soon',
  'max-age=-1',
  'max-age=1.5',
  'max-age=1e3',
  'max-age=0x10',
  'max-age=5=6',
  'max-age="5',
  'max-stale=soon',
  'max-stale=-1',
  'xno-cache',
  'no cache',
  '=no-cache',
  '__proto__=1',
  'constructor',
]) {
  t.test(`"${header}" says nothing that is understood, and is ignored`, async t =>
    t.same(readCacheDirectives(header), {}),
  )
}

t.test('no header: nothing is wished', async t => t.same(readCacheDirectives(undefined), {}))

t.test('a directive beside a malformed one still counts', async t => {
  t.same(readCacheDirectives('max-age=soon, no-cache, , =, max-stale=3'), { noCache: true, maxStale: 3 })
})

t.test('any header is read without a throw, and seconds are never negative nor NaN', async () => {
  const piece = fc.oneof(
    fc.constantFrom('max-age', 'max-stale', 'no-cache', '=', ',', '"', '60', ' ', '-1', 'Infinity', 'NaN'),
    fc.string(),
  )
  fc.assert(
    fc.property(
      fc.array(piece).map(pieces => pieces.join('')),
      header => {
        const { maxAge = 0, maxStale = 0 } = readCacheDirectives(header)
        return maxAge >= 0 && maxStale >= 0
      },
    ),
    { numRuns: 2000 },
  )
})
