import t from 'tap'
import { createMemoryCache } from '../../../../src/adapters/memory-cache.ts'
import { createTieredCache, type TieredCacheOptions } from '../../../../src/ask/cache/tiered-cache.ts'
import { until } from '../../../support/until.ts'

interface Value {
  readonly text: string
}

/** Memory is the real one; `stored` is what replicas share. */
function setUp({ maxBytes = 100_000, ...options }: Partial<TieredCacheOptions<Value>> & { maxBytes?: number } = {}) {
  const counted: string[] = []
  const reads: string[] = []
  const stored = new Map<string, { readonly value: Value; readonly ms: number }>()
  const cache = createTieredCache<Value>({
    memory: createMemoryCache({
      maxBytes,
      ttlSeconds: 60,
      bytesOf: ({ text }) => text.length,
      onEvict: () => void counted.push('evicted'),
    }),
    shared: {
      async get(key) {
        reads.push(key)
        return stored.get(key)?.value
      },
      set: (key, value, ms) => void stored.set(key, { value, ms }),
    },
    counts: {
      given: (tier, { text }) => void counted.push(`${tier}: ${text}`),
      missed: () => void counted.push('miss'),
    },
    ...options,
  })
  return { cache, counted, reads, stored }
}

const one: Value = { text: 'one' }
const two: Value = { text: 'two' }

t.test('a set value is in both tiers, and memory alone is read: the same object, counted', async t => {
  const { cache, counted, reads, stored } = setUp()
  cache.set('key', one, 5000)
  t.same([...stored], [['key', { value: one, ms: 5000 }]])
  const hit = await cache.get('key')
  t.same(hit, { value: one, tier: 'memory' })
  t.equal(hit?.value, one)
  t.same(counted, ['memory: one'])
  t.same(reads, [])
})

t.test('a hit in the shared tier is in memory from then on', async t => {
  const { cache, counted, reads, stored } = setUp()
  stored.set('key', { value: one, ms: 5000 })
  t.same(await cache.get('key'), { value: one, tier: 'redis' })
  t.same(await cache.get('key'), { value: one, tier: 'memory' })
  t.same(reads, ['key'])
  t.same(counted, ['redis: one', 'memory: one'])
})

t.test('a miss in both tiers is counted once, and leaves nothing in memory', async t => {
  const { cache, counted, reads } = setUp()
  t.equal(await cache.get('key'), undefined)
  t.equal(await cache.get('key'), undefined)
  t.same(counted, ['miss', 'miss'])
  t.same(reads, ['key', 'key'])
})

t.test('without a shared tier, memory is the cache', async t => {
  const { cache, counted } = setUp({ shared: null })
  t.equal(await cache.get('key'), undefined)
  cache.set('key', one, 5000)
  t.same(await cache.get('key'), { value: one, tier: 'memory' })
  t.same(counted, ['miss', 'memory: one'])
})

t.test('a shared tier that finds nothing usable does not hide what is in memory', async t => {
  const { cache, counted } = setUp({ shared: { get: async () => undefined } })
  t.equal(await cache.get('key'), undefined)
  cache.set('key', one, 5000)
  t.same(await cache.get('key'), { value: one, tier: 'memory' })
  t.same(counted, ['miss', 'memory: one'])
})

t.test('a value that is not wanted is a miss; the shared tier may have a newer one', async t => {
  const { cache, counted, stored } = setUp()
  const isTwo = ({ text }: Value) => text === 'two'
  cache.set('key', one, 5000)
  t.equal(await cache.get('key', isTwo), undefined)
  t.same(await cache.get('key'), { value: one, tier: 'memory' }, 'it is still there for others')
  stored.set('key', { value: two, ms: 5000 })
  t.same(await cache.get('key', isTwo), { value: two, tier: 'redis' })
  t.same(await cache.get('key', isTwo), { value: two, tier: 'memory' })
  t.same(counted, ['miss', 'memory: one', 'redis: two', 'memory: two'])
})

t.test('an unwanted value of the shared tier is not copied into memory', async t => {
  const { cache, reads, stored } = setUp()
  stored.set('key', { value: one, ms: 5000 })
  t.equal(await cache.get('key', () => false), undefined)
  t.same(await cache.get('key'), { value: one, tier: 'redis' })
  t.same(reads, ['key', 'key'])
})

t.test('a set value leaves memory after its time; a copied one after the time that is left of it', async t => {
  const { cache, stored } = setUp({ lifetimeOf: ({ text }) => (text === 'one' ? 20 : 120_000) })
  cache.set('set', one, 20)
  stored.delete('set')
  await until('it is gone', async () => (await cache.get('set')) === undefined)
  stored.set('short', { value: one, ms: 20 }).set('long', { value: two, ms: 120_000 })
  for (const key of ['short', 'long']) t.equal((await cache.get(key))?.tier, 'redis')
  stored.clear()
  await until('it is gone', async () => (await cache.get('short')) === undefined)
  t.same(await cache.get('long'), { value: two, tier: 'memory' })
})

t.test('an evicted value is counted, and found in the shared tier', async t => {
  const { cache, counted } = setUp({ maxBytes: 10_000 })
  for (let i = 0; i < 12; i++) cache.set(`key ${i}`, { text: 'x'.repeat(800) }, 5000)
  t.ok(counted.includes('evicted'))
  t.equal((await cache.get('key 0'))?.tier, 'redis')
  t.equal((await cache.get('key 11'))?.tier, 'memory')
})
