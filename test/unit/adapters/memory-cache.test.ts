import t from 'tap'
import { createMemoryCache, type MemoryCacheOptions } from '../../../src/adapters/memory-cache.ts'
import { until } from '../../support/until.ts'

interface Value {
  readonly bytes: number
}

function setUp(options: Partial<MemoryCacheOptions<Value>> = {}) {
  let evicted = 0
  const cache = createMemoryCache<Value>({
    maxBytes: 10_000,
    ttlSeconds: 60,
    bytesOf: ({ bytes }) => bytes,
    onEvict: () => void evicted++,
    ...options,
  })
  return {
    cache,
    evicted: () => evicted,
    isGone: (key: string) => until(`${key} is gone`, () => cache.get(key) === undefined),
  }
}

t.test('what is set is got, the same object, until it is deleted', async t => {
  const { cache } = setUp()
  const value = { bytes: 10 }
  cache.set('key', value)
  t.equal(cache.get('key'), value)
  cache.delete('key')
  t.equal(cache.get('key'), undefined)
})

t.test('all whose keys begin so are deleted, and no others', async t => {
  const { cache } = setUp()
  for (const key of ['7:a', '7:b', '77:a', '8:7:']) cache.set(key, { bytes: 1 })
  cache.deleteAll('7:')
  t.same(
    ['7:a', '7:b', '77:a', '8:7:'].map(key => cache.get(key) !== undefined),
    [false, false, true, true],
  )
  t.equal(cache.size().entries, 2)
  createMemoryCache<Value>({ maxBytes: 0, ttlSeconds: 60, bytesOf: () => 1 }).deleteAll('7:')
})

t.test('an entry lives as long as was said, else as long as the cache keeps everything', async t => {
  const { cache, isGone } = setUp({ ttlSeconds: 0.05 })
  cache.set('long', { bytes: 1 }, 120_000)
  cache.set('usual', { bytes: 1 })
  cache.set('short', { bytes: 1 }, 20)
  for (const key of ['short', 'usual']) await isGone(key)
  t.ok(cache.get('long'))
})

t.test('what is set again lives on by the new time', async t => {
  const { cache, isGone } = setUp()
  for (const key of ['key', 'other']) cache.set(key, { bytes: 1 }, 20)
  cache.set('key', { bytes: 1 }, 120_000)
  await isGone('other')
  t.ok(cache.get('key'))
})

t.test('a time that is over before it begins ends at once, and does not last for ever', async () => {
  const { cache, isGone } = setUp()
  for (const ms of [0, -5000]) cache.set(String(ms), { bytes: 1 }, ms)
  for (const key of ['0', '-5000']) await isGone(key)
})

t.test('it never holds more bytes than it may; least recently used goes first, and that is told', async t => {
  const { cache, evicted } = setUp()
  for (let i = 0; i < 8; i++) cache.set(`key ${i}`, { bytes: 800 })
  cache.get('key 0')
  for (let i = 8; i < 12; i++) cache.set(`key ${i}`, { bytes: 800 })
  t.ok(cache.size().bytes <= 10_000)
  t.ok(cache.get('key 0'), 'what was used lately stays')
  t.equal(cache.get('key 1'), undefined)
  t.equal(cache.size().entries, 12 - evicted())
  t.ok(evicted() > 0)
})

t.test('the size counts keys and what an entry takes itself', async t => {
  const { cache } = setUp()
  t.same(cache.size(), { entries: 0, bytes: 0 })
  cache.set('k'.repeat(100), { bytes: 100 })
  const { entries, bytes } = cache.size()
  t.equal(entries, 1)
  t.ok(bytes > 100 + 200)
  cache.clear()
  t.same(cache.size(), { entries: 0, bytes: 0 })
})

t.test('a value that would push out everything else is not kept, nor is what it replaces', async t => {
  const { cache, evicted } = setUp()
  cache.set('other', { bytes: 100 })
  cache.set('large', { bytes: 100 })
  cache.set('large', { bytes: 5000 })
  t.equal(cache.get('large'), undefined)
  t.ok(cache.get('other'))
  t.equal(evicted(), 0)
})

t.test('what is replaced, deleted or over is no eviction', async t => {
  const { cache, isGone, evicted } = setUp()
  cache.set('key', { bytes: 100 })
  cache.set('key', { bytes: 100 })
  cache.delete('key')
  cache.set('key', { bytes: 100 }, 10)
  await isGone('key')
  cache.clear()
  t.equal(evicted(), 0)
})

t.test('without memory nothing is kept', async t => {
  const { cache } = setUp({ maxBytes: 0 })
  cache.set('key', { bytes: 0 })
  t.equal(cache.get('key'), undefined)
  t.same(cache.size(), { entries: 0, bytes: 0 })
})
